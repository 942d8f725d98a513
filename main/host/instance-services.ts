import { DEFAULT_INSTANCE } from "./config/instance-name.ts";
import type { HostServices } from "./services.ts";
import type { Emissions } from "./strategy/emissions.ts";

/** Whether what an instance emits and publishes counts: not while it stands by for another. */
export interface Gate {
  open: boolean;
}

/** Tells series of named instances apart. */
const INSTANCE_LABEL = "plugin_instance";

/** The services as one instance gets them: its series carry its name, its findings its key; what it emits is noted. */
export function instanceServices(
  services: HostServices,
  key: string,
  instance: string,
  gate: Gate,
  emissions: Emissions,
): HostServices {
  return {
    ...services,
    registerSeries: (name, labels, metric) => {
      emissions.registered(name);
      return services.registerSeries(
        name,
        instance === DEFAULT_INSTANCE ? labels : { ...labels, [INSTANCE_LABEL]: instance },
        metric,
        key,
      );
    },
    emit: (batch) => {
      if (!gate.open) return 0;
      emissions.emitted(batch);
      return services.emit(batch);
    },
    publish: (_source, finding) => {
      if (gate.open) services.publish(key, finding);
    },
  };
}
