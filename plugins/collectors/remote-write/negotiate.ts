import type { RouteRequest } from "all-use-agent/sdk";

/** Which message a body is, or the sentence that says why it is none that we read. */
export type Negotiated = { readonly version: 1 | 2 } | { readonly refusal: string };

const MEDIA_TYPE = "application/x-protobuf";
const VERSION_OF_PROTO: Readonly<Record<string, 1 | 2>> = {
  "prometheus.writerequest": 1,
  "io.prometheus.write.v2.request": 2,
};

/**
 * By the headers alone. Early senders of 1.0 sent neither header: they are taken at the word they did not say, as Prometheus does.
 */
export function negotiate(request: Pick<RouteRequest, "header">): Negotiated {
  const encoding = (request.header("content-encoding") ?? "snappy").trim().toLowerCase();
  if (encoding !== "snappy") {
    return { refusal: `The content encoding ${shown(encoding)} is not taken: send snappy, in its block format.` };
  }
  const [type, ...parameters] = (request.header("content-type") ?? MEDIA_TYPE).split(";").map((part) => part.trim());
  if (type.toLowerCase() !== MEDIA_TYPE) {
    return {
      refusal: `The content type ${shown(type)} is not taken: send ${MEDIA_TYPE}, with proto=io.prometheus.write.v2.Request for 2.0.`,
    };
  }
  for (const parameter of parameters) {
    const [, key, value] = /^([^=\s]+)\s*=\s*"?([^"]*)"?$/.exec(parameter) ?? [];
    if (key?.toLowerCase() !== "proto") continue;
    const version = VERSION_OF_PROTO[value.toLowerCase()];
    if (version !== undefined) return { version };
    return {
      refusal: `The message ${shown(value)} is not known: send prometheus.WriteRequest or io.prometheus.write.v2.Request.`,
    };
  }
  return { version: 1 };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
