import { Validator } from "@cfworker/json-schema";
import { API_OLDEST, API_VERSION, KIND_FOLDER, type Manifest, manifestSchema } from "../manifest.ts";

/** What is wrong with a manifest, in sentences. The host's own messages are richer; the verdict is the same. */
export function manifestFaults(value: unknown): string[] {
  const { errors } = new Validator(manifestSchema as object, "2020-12", false).validate(value);
  if (errors.length > 0)
    return errors.map(({ instanceLocation, error }) => `${instanceLocation.replace(/^#\/?/, "/")}: ${error}`);
  const { id, kind, api, entry, metrics = {} } = value as Manifest;
  const faults: string[] = [];
  if (api > API_VERSION || api < API_OLDEST)
    faults.push(`/api: this kit knows the contract from ${API_OLDEST} to ${API_VERSION}, found ${api}`);
  if (!id.startsWith(`${KIND_FOLDER[kind]}/`)) faults.push(`/id: the id of a ${kind} begins with ${KIND_FOLDER[kind]}/`);
  if (entry === undefined) faults.push("/isolation: an exec plugin is a program; alluse plugin test DIR checks it");
  if (entry?.split("/").includes("..")) faults.push("/entry: it must lie inside the plugin's folder");
  for (const [name, { type, unit }] of Object.entries(metrics)) {
    const named = /_(seconds|bytes|celsius|ratio|percent|hertz|joules|volts|amperes)(_total)?\*?$/.exec(name)?.[1];
    if (named !== undefined && unit !== undefined && unit !== named)
      faults.push(`/metrics/${name}: the name says ${named}, the unit ${unit}`);
    if (name.endsWith("_total") && type === "gauge") faults.push(`/metrics/${name}: what ends in _total is a counter`);
  }
  return faults;
}
