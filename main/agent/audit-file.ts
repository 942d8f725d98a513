/** The audit log as the command line reads it, with or without an agent. */
export { auditFolder } from "./audit-note.ts";
export { type AuditVerdict, readAudit, verifyAudit } from "../learning/audit-walk.ts";
