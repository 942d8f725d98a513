/**
 * The registry of error codes: everything that `AgentError.code`, the `code` of an API's error or the state of a plugin can be, with what
 * it means and what to do. The message that comes with a code says where and what was found. `node scripts/docs.mjs` writes
 * docs/reference/errors.md from it, and test/docs fails for a code of the sources that is missing here. Not part of the SDK
 * that plugins load.
 */
export const ERROR_CODES: Readonly<Record<string, readonly [meaning: string, remedy: string]>> = {
  // The agent, its data folder and its command line.
  agent_file_invalid: [
    "`agent.json` of the data folder is damaged.",
    "Stop the agent if it runs, delete the file and start the agent again.",
  ],
  agent_file_unreadable: [
    "`agent.json` of the data folder cannot be read.",
    "Mend its permissions, or use the account that runs the agent.",
  ],
  agent_not_running: [
    "No agent runs on that data folder.",
    "Start one with `alluse start`, or name its folder with `--data-dir`.",
  ],
  agent_unreachable: ["The agent's address does not answer, or something else answers there.", "See what `alluse doctor` finds."],
  clock_advance_invalid: [
    "Time was to be moved by something other than a number of milliseconds forward.",
    "Give a number of at least 0.",
  ],
  clock_not_simulated: ["Time can be moved only in an agent with a simulated clock.", "Start it with `--clock simulated`."],
  config_invalid: [
    "`config.json`, or a setting in it, is not valid.",
    "Mend what the message names, or move the file away to start with the defaults.",
  ],
  data_dir_locked: ["The data folder belongs to a running agent.", "Stop that one, or choose another folder with `--data-dir`."],
  data_dir_unwritable: [
    "The data folder cannot be made, read or written.",
    "Mend its permissions, make room, or choose another with `--data-dir`.",
  ],
  internal: ["The agent failed inside: a mistake of its own.", "Report it with the lines of the log around it."],
  port_in_use: ["Another program listens on the port.", "Stop it, or choose another port with `--port`; 0 takes a free one."],
  port_refused: ["The port cannot be listened on.", "Choose another with `--port`, above 1023 unless you are root."],
  refused: ["The agent refused a command and gave no reason.", "See its log."],
  store_name_invalid: ["A name in the private store is not allowed.", "Use lower-case letters, digits, dots and dashes."],
  token_invalid: ["The token file does not hold 64 hex digits.", "Delete it and start the agent again: it makes a new one."],
  token_unreadable: ["The token file cannot be read.", "Mend its permissions: mode 0600, owned by the agent's account."],
  usage: ["A command or option is not known or lacks its value.", "See `alluse help`."],

  // The door.
  bad_request: ["A request's address, headers or parameters cannot be read.", "Mend what the message names."],
  body_invalid: ["A request's body is not what the route takes.", "Mend the place that the message names."],
  body_too_large: ["A request's body is larger than the route takes.", "Send less at once."],
  encoding_refused: ["A body's content encoding is not known.", "Send gzip, deflate, br or no encoding."],
  host_refused: [
    "The request names a host that this agent does not answer for, as DNS rebinding would.",
    "Use 127.0.0.1 or localhost.",
  ],
  media_type_refused: ["A body has the wrong content type.", "Send the one that the message names."],
  method_not_allowed: ["The address does not take this method.", "Use one that the message names."],
  not_found: ["There is no such route.", "`/api/agent/openapi.json` lists them."],
  origin_refused: ["A page of another origin sent the request.", "Open the agent's own page, or send the token instead."],
  parameter_invalid: ["A parameter is missing or not valid.", "Mend the one that the message names."],
  stopped: ["What was asked is stopping or stopped.", "Ask again when it runs; in a plugin, end what you are doing."],
  stream_limit: ["Too many live streams are open.", "Close a page and try again."],
  unauthorized: [
    "The request has no token or a wrong one.",
    "Send `Authorization: Bearer` with what stands in the file `token` of the data folder.",
  ],
  url_too_long: ["The address is too long.", "Send the parameters as a form with POST."],

  // Queries.
  query_canceled: ["The query's caller went away or canceled it.", "Nothing."],
  query_execution: ["The query cannot be answered with these data.", "Change the expression as the message says."],
  query_limit_samples: [
    "The query needs more samples than are allowed.",
    "Ask for a shorter range, a longer step or fewer series.",
  ],
  query_limit_series: ["The query needs more series than are allowed.", "Add matchers."],
  query_limit_steps: ["The range has more steps than are allowed.", "Ask for a longer step."],
  query_parse: ["The expression is not PromQL.", "Mend it at the line and column that the message names."],
  query_regex: ["A regular expression of a matcher is not RE2.", "Mend it; look-around and back references do not exist there."],
  query_timeout: ["The query took too long.", "Ask for a shorter range, a longer step or fewer series."],
  query_type: [
    "The expression gives another type than is needed here.",
    "Use a function that gives the type that the message names.",
  ],

  // Findings, advice and forecasts.
  finding_invalid: ["A finding lacks something or has something of the wrong type.", "Mend the place that the message names."],
  forecast_invalid: [
    "A forecast was asked with a step, a number of steps or a level that makes no sense.",
    "Mend what the message names.",
  ],
  forecast_steps: ["The horizon has no steps, or too many.", "Ask for a longer step or a shorter horizon."],
  forecast_unavailable: [
    "No model can forecast now.",
    "See the state of the forecast model; in a plugin, ask only within `advise`.",
  ],
  model_not_enough_data: ["There are too few samples to learn from.", "Ask for a longer range, or wait."],
  reason_invalid: ["A dismissal needs a short reason.", "Give one."],
  recommendation_closed: ["The recommendation is not open any more.", "Nothing; look at the newest list."],
  recommendation_invalid: [
    "A recommendation lacks something or has something of the wrong type.",
    "Mend the place that the message names.",
  ],
  recommendation_unknown: ["There is no recommendation of that id.", "Look at the newest list."],

  // Stores.
  collection_conflict: ["A collection was opened twice with different bounds.", "Open it with the same bounds everywhere."],
  collection_invalid: [
    "A collection has no valid name, bound or order.",
    "Give a name of 1 to 80 characters, `maxDocuments` and `orderBy`.",
  ],
  document_invalid: ["A document has no text `_id`, or a field name that is not allowed.", "Mend the document."],
  document_too_large: ["A document is larger than is allowed.", "Store less of it."],
  documents_unavailable: ["No document store runs, or its folder cannot be used.", "See its state in `alluse plugin list`."],
  documents_write_failed: ["A document could not be written.", "See that the disk is writable and has room."],
  series_limit: ["There are more series than are allowed.", "Use fewer labels, or labels with fewer values."],
  series_unknown: ["No series has that number.", "Get one from `ctx.series()`; numbers are new after every start."],
  snapshot_invalid: ["A snapshot cannot be read.", "Nothing: the plugin begins anew."],
  storage_full: ["The series store's share of the disk is used up.", "Raise `max_disk_bytes` of storage/series."],
  storage_seal_failed: [
    "Samples could not be moved into blocks.",
    "See that the disk is writable and has room; nothing is lost meanwhile.",
  ],
  storage_unavailable: ["No series store runs.", "See its state in `alluse plugin list`."],
  storage_write_failed: [
    "The log could not be written, or samples were refused because too many wait for the disk.",
    "See that the disk is writable and has room.",
  ],

  // Manifests, configuration and packages of plugins.
  api_unsupported: [
    "The plugin asks for a contract that this agent does not serve.",
    "Get another version of the plugin, or a newer agent.",
  ],
  folder_exists: ["A plugin's folder is already there.", "Choose another name or folder."],
  folder_too_large: ["A plugin's folder holds too many files.", "Leave out what it does not need to run."],
  folder_unwritable: ["A plugin's folder cannot be written.", "Mend its permissions, or choose another with `--dir`."],
  install_failed: [
    "A plugin could not be put into the plugins folder.",
    "Do what the message says; what was there before still is.",
  ],
  manifest_invalid: [
    "`plugin.json` does not keep to its schema.",
    "Mend each place that the message names; docs/plugin-manifest.md has them all.",
  ],
  manifest_missing: ["There is no `plugin.json` in the folder.", "Write one: `alluse plugin new` shows how."],
  manifest_unreadable: ["`plugin.json` is not JSON, too large, or cannot be opened.", "Mend it as the message says."],
  package_refused: [
    "A package or folder is damaged, too large, or holds what none may hold.",
    "Pack it again without what the message names.",
  ],
  plugin_bundled: ["A plugin that comes with the agent cannot be removed.", "Switch it off: `alluse plugin disable`."],
  plugin_config_invalid: [
    "The configuration of a plugin does not keep to its schema.",
    "Mend the place that the message names in `config.json`.",
  ],
  plugin_duplicate: [
    "Another plugin has the same id.",
    "Give one of them another id; `--replace` puts a new version in place of the old.",
  ],
  plugin_id_invalid: ["That is no plugin's id.", "Write it as `collectors/name`."],
  plugin_unknown: ["There is no plugin of that id.", "`alluse plugin list` shows their ids."],
  requirement_circular: ["Plugins require each other in a circle.", "Take one `requires` away."],
  requirement_missing: ["What a plugin requires does not run.", "Start or mend that one first."],

  // A plugin's life.
  check_timeout: ["A check of the conformance kit did not end.", "Something the plugin does never ends: see the check's name."],
  collect_failed: ["A reading failed. The plugin is asked again, less and less often.", "See its reason."],
  collect_timeout: [
    "A reading took longer than its interval and was aborted.",
    "Heed the signal, do less, or raise `interval_ms`.",
  ],
  conformance: ["A plugin does what no plugin may do; only the conformance kit says so.", "Mend what the message names."],
  crashed: [
    "An error of the plugin was caught by nobody, or its process ended.",
    "See `crash.json` in its state folder, and its log.",
  ],
  entry_invalid: [
    "A plugin's module exports no factory, or the factory returns no plugin of its kind.",
    "Export what the message names.",
  ],
  failed: ["A call of a plugin failed with an error that has no code.", "See its message."],
  fault: ["The plugin threw on the samples' way once.", "See its reason; five times in a row fail it."],
  faults_repeated: ["The plugin threw on the samples' way five times in a row.", "Mend it, then save or enable it again."],
  label_invalid: [
    "A label's name or value is not allowed.",
    "Use names of letters, digits and underscores, and short text as values.",
  ],
  metric_undeclared: [
    "A plugin emits a metric that its manifest does not declare.",
    "Declare it under `metrics` in plugin.json.",
  ],
  permanent: ["Trying the same again cannot succeed: an exporter drops and counts the batch.", "See its message."],
  retryable: ["Trying again later may succeed: an exporter keeps the batch.", "Nothing; see its message if it stays."],
  start_failed: ["The plugin threw while it was loaded or started.", "See its reason."],
  start_timeout: ["The plugin did not finish starting in time.", "Return from `start` and do the rest in `ctx.every()`."],
  stop_timeout: ["The plugin did not finish stopping, or keeping its state, in time.", "Heed the signal; keep less."],
  timer_invalid: [
    "An interval of `ctx.every()` is too short or too long.",
    "Use at least the milliseconds that the message names.",
  ],
  timer_limit: ["A plugin has too many timers.", "Do several things in one."],

  // Plugins in processes of their own.
  ask_unknown: [
    "A plugin's process asked for something that this agent does not know.",
    "Use the agent's own SDK: install none beside the plugin.",
  ],
  call_unknown: [
    "The agent called something that the plugin's process does not know.",
    "Start the agent again: its build was replaced while it ran.",
  ],
  frame_invalid: ["A plugin's process wrote what is no message into the agent's pipes.", "Speak through `ctx` only."],
  kind_not_isolated: [
    "A plugin of this kind works on the samples' way and cannot run in a process.",
    'If you trust it with the agent\'s rights, set `"inside": true` for it in `config.json`.',
  ],
  latest_unavailable: ["`ctx.latest()` cannot look at once from another process.", "Use `ctx.query()`."],
  memory_exceeded: ["The plugin used more memory than its budget.", "Keep less, or raise `budget.memory_mb` in plugin.json."],
  message_flood: ["The plugin sent too many messages in a second.", "Say less: samples go in batches."],
  path_not_grantable: ["A path of a permission cannot be granted.", "Name it without stars and commas."],
  permission_denied: [
    "The plugin used what its manifest does not ask permission for.",
    "Add the permission that the message names to plugin.json.",
  ],
  process_ended: ["The plugin's process is not running.", "See its state."],
  process_failed: ["The plugin's process could not be started.", "See the message: the system refused it."],
  route_answer_invalid: ["A plugin's answer to a request is none.", "Return a status, a content type and a body."],
  runtime_missing: ["What plugin processes run is not there.", "Build the agent: `npm run build`."],
  silent: [
    "The plugin's process gave no sign of life: its code does not return.",
    "Do long work in parts, with a pause between.",
  ],
  symlink_found: ["A plugin's folder holds a symbolic link.", "Put the file itself there."],
  too_large: ["A plugin handed over more at once than is taken.", "Hand it over in parts."],
};
