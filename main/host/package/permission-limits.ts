import { splitPermission } from "all-use-agent/sdk";

/** Why this system cannot enforce a permission, or cannot wholly, in a sentence; null when it does. docs/permissions.md tells more. */
export function permissionLimit(permission: string, inside: boolean): string | null {
  if (inside) return "It runs inside the agent with the agent's rights: only what it does through ctx is checked.";
  switch (splitPermission(permission)?.class) {
    case "read":
      return "Files that it opens itself are not counted, and links in there are followed; ctx.read does neither.";
    case "net":
      return "Connections that it opens itself are not limited to this address and not counted; those of ctx.fetch are.";
    case "exec":
      return "The program runs with the agent's rights: with which arguments, and what it does, is not limited.";
    case "act":
      return "It grants nothing yet.";
    default:
      return null;
  }
}
