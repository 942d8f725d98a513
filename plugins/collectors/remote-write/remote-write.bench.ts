import { test } from "vitest";
import { Families } from "./families.ts";
import { BodyV1 } from "./body-v1.ts";
import { BodyV2 } from "./body-v2.ts";
import { Outcome } from "./outcome.ts";
import { SnappyDecoder } from "./snappy.ts";
import { compressed, writeV1, writeV2 } from "./testdata/encode.ts";
import { TickSink } from "./tick-sink.ts";

const SERIES = 900;
const T = 1_767_614_400_000;
const LIMITS = {
  maxSeriesPerRequest: 1e5,
  maxSamplesPerRequest: 1e6,
  maxSeries: 1e5,
  maxLabels: 64,
  maxLabelBytes: 4096,
};

/** Decompressing, reading and handing on 900 series, as storage would be given them. */
for (const ticks of [1, 10]) {
  test(`remote write: a request of ${SERIES} series, ${ticks} samples each`, async ({ bench }) => {
    const series = Array.from({ length: SERIES }, (_, i) => ({
      labels: [
        "__name__",
        `node_network_receive_bytes_${i % 30}_total`,
        "device",
        `eth${i}`,
        "instance",
        "127.0.0.1:9100",
        "job",
        "node",
      ],
      samples: Array.from({ length: ticks }, (_, k) => [T + k * 1000, i + k / 8] as const),
    }));
    let ids = 0;
    const registrar = {
      register: () => ids++,
      info: () => ({ name: "", labels: {}, type: "gauge" as const, help: "x" }),
    };
    const snappy = new SnappyDecoder();
    const sink = new TickSink();
    const readers = {
      "1.0": new BodyV1(LIMITS, registrar, new Families()),
      "2.0": new BodyV2(LIMITS, registrar, new Families()),
    };
    const bodies = { "1.0": compressed(writeV1(series)), "2.0": compressed(writeV2(series)) };
    const take = (version: "1.0" | "2.0") => (): void => {
      sink.begin();
      readers[version].read(snappy.decode(bodies[version], 1e8), sink, new Outcome());
      sink.emit(() => 0);
    };
    await bench.compare(bench("1.0", take("1.0")), bench("2.0", take("2.0")));
  });
}
