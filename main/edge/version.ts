import packageJson from "../../package.json" with { type: "json" };

export function agentVersion(): string {
  return packageJson.version;
}
