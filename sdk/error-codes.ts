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
  import_refused: ["The agent took nothing of what was to be imported.", "See the message."],
  import_unreadable: [
    "A file that was to be imported cannot be read.",
    "Mend what the message says, and import it again: nothing is kept twice.",
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
  protobuf_invalid: ["A protobuf message is cut off or damaged.", "Send it again; if it stays so, the sender is at fault."],
  snappy_invalid: ["A body is no snappy block.", "Send snappy in its block format, not the framed one."],
  stopped: ["What was asked is stopping or stopped.", "Ask again when it runs; in a plugin, end what you are doing."],
  stream_limit: ["Too many live streams are open.", "Close a page and try again."],
  unauthorized: [
    "The request has no token or a wrong one.",
    "Send `Authorization: Bearer` with what stands in the file `token` of the data folder.",
  ],
  url_too_long: ["The address is too long.", "Send the parameters as a form with POST."],
  write_unavailable: ["Written samples are not durable yet.", "Send them again; see why the store cannot write."],

  // Receivers.
  label_limit: ["A sender's series has more labels than the receiver takes.", "Send fewer, or raise `max_labels` of the plugin."],
  otlp_json_invalid: ["OTLP in JSON is not as it should be.", "A fault of the sender: the message names the place."],
  receiver_busy: ["More requests wait than the receiver takes at once.", "Send again a little later."],
  receiver_unavailable: ["What was sent could not be made safe.", "Send it again; `alluse doctor` tells of the store."],
  scrape_failed: ["A target could not be scraped.", "See the message; `up` of the target is 0 meanwhile."],
  scrape_target_invalid: ["A target of the scrape is none.", "Give `host:port`."],
  service_list_invalid: ["A list of targets cannot be read.", "Write it as Prometheus' `file_sd_configs` in JSON."],

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
  edge_full: [
    "An exporter whose edge blocks could not take some samples.",
    "Send them again later, and see why it sends too slowly in its log; its manifest's `edge` says what fits.",
  ],
  series_limit: ["There are more series than are allowed.", "Use fewer labels, or labels with fewer values."],
  series_unknown: ["No series has that number.", "Get one from `ctx.series()`; numbers are new after every start."],
  sketch_invalid: [
    "The bytes of a histogram or quantile sketch cannot be read.",
    "Begin a new one; keep what `serialize()` gives as it is.",
  ],
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
  expression_invalid: [
    "An expression in a configuration cannot be read.",
    "Mend the place that the message names: numbers, variables, + - * / % ^, parentheses, and the functions it lists.",
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
  relabel_invalid: [
    "A rule of relabeling cannot be applied.",
    "Mend what the message names; the words are those of Prometheus' `relabel_config`.",
  ],
  requirement_missing: ["What a plugin requires does not run.", "Start or mend that one first."],
  selector_invalid: [
    "A series selector in a configuration cannot be read.",
    'Write it as in PromQL: `name{label="value"}`; `{}` is every series.',
  ],
  table_invalid: [
    "A table that labels are taken from cannot be read.",
    "Mend the file as the message says; until then the last good one counts.",
  ],

  // A plugin's life.
  check_timeout: ["A check of the conformance kit did not end.", "Something the plugin does never ends: see the check's name."],
  collect_failed: ["A reading failed. The plugin is asked again, less and less often.", "See its reason."],
  collect_timeout: [
    "A reading took longer than its interval and was aborted.",
    "Heed the signal, do less, or raise `interval_ms`.",
  ],
  collect_unsupported: [
    "A plugin was to be read that is not asked for readings.",
    "Name a collector that runs; those that tell of themselves what they see cannot be asked.",
  ],
  condition_failed: [
    "The condition of a collector's strategy cannot be looked at.",
    "Mend `when` as the message says; `alluse query` tries it.",
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
  metric_invalid: ["A metric has a name, a type or a shape that there is not.", "Mend what the message names."],
  log_pattern_invalid: ["A pattern of the log collector is no RE2 expression, or names a group it lacks.", "Mend the pattern."],
  metric_undeclared: [
    "A plugin emits a metric that its manifest does not declare.",
    "Declare it under `metrics` in plugin.json.",
  ],
  offline: [
    "A collector that needs a network is not read because that is away.",
    "Nothing: it is tried now and then and goes on by itself. Mend the network, or say `requires_network: false`.",
  ],
  permanent: ["Trying the same again cannot succeed: an exporter drops and counts the batch.", "See its message."],
  retryable: ["Trying again later may succeed: an exporter keeps the batch.", "Nothing; see its message if it stays."],
  yielding: [
    "A collector is not read because the agent is under load and its priority is low.",
    "Nothing: it goes on by itself. See `alluse status`, or raise `priority` of its strategy.",
  ],
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
    "A store of series holds every sample and answers at once, so it cannot run in a process.",
    'If you trust it with the agent\'s rights, set `"inside": true` for it in `config.json`.',
  ],
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

  // Permissions, the ways out of the agent, packages and trust.
  aborted: [
    "What was under way was ended before it was done, because its caller or the plugin stopped.",
    "Nothing, or ask again.",
  ],
  ask_invalid: ["A plugin asked for something in words that no agent takes.", "Pass what the SDK's types say."],
  busy: ["The plugin has as many requests to the outside under way as it may.", "Wait for one of them to end."],
  declined: ["The operator did not agree.", "Run the command again and answer with y, or give `--yes`."],
  exec_failed: ["A program could not be run or said too much.", "See the message; check that it is installed and prints less."],
  fetch_failed: ["A request over HTTP came to nothing.", "See the message; try again later if the other side was away."],
  fetch_invalid: [
    "A request over HTTP is not one that can be sent.",
    "Give an http or https address, a known method and plain headers.",
  ],
  grants_invalid: [
    "`grants.json` is damaged, so nobody knows what was granted, and nothing is.",
    "Put back a copy, or move it away and grant again with `alluse plugin grant`.",
  ],
  key_invalid: [
    "A key, or the name of a setting, is not one.",
    "Make keys with `alluse plugin keygen`; see the settings with `alluse plugin config ID`.",
  ],
  key_unwritable: ["A key could not be written.", "Choose a file that does not exist in a folder that you may write to."],
  notify_limit: ["The plugin sends more notices than an operator can read.", "Say several things in one notice."],
  package_unknown: ["The package is not one that was shown in the last ten minutes.", "Send it again and look at what it asks."],
  permission_unknown: ["The plugin has no such permission.", "See what it has with `alluse plugin info ID`."],
  permissions_invalid: [
    "Permissions were to be granted that the plugin does not ask for.",
    "Look at what it asks now, and grant that.",
  ],
  permissions_not_granted: [
    "The plugin asks for more than it was granted, so it does not start.",
    "`alluse plugin grant ID` shows what is new and grants it.",
  ],
  read_failed: [
    "A file could not be read.",
    "Check that it is there, is a file, and is not larger than the limit in the message.",
  ],
  timeout: ["What was asked of the outside took longer than it may.", "Try again, or allow it more time."],
  trust_duplicate: ["The trust list has that name or that key already.", "Remove the old entry first, or choose another name."],
  trust_full: ["The trust list is full.", "Remove those whose signatures you no longer need."],
  trust_invalid: ["`trust.json` is damaged.", "Put back a copy, or move it away and add the keys again."],
  trust_name_invalid: ["A name in the trust list is not allowed.", "Use plain text of a few words."],
  trust_unknown: ["The trust list has no such name.", "See `alluse plugin trust list`."],

  // Configuration, secrets and instances.
  canceled: ["The operator broke off.", "Run the command again."],
  config_too_large: ["The configuration is larger than a program can be given.", "Shorten it."],
  config_version_newer: [
    "The stored configuration is of a newer version of the plugin.",
    "Add that version of the plugin, or configure it anew.",
  ],
  input_empty: ["A value was expected on standard input, and there was none.", "Pipe it in, or type it at the prompt."],
  input_too_long: ["The value on standard input is too long.", "Give at most what the message says."],
  instance_duplicate: [
    "There is an instance of that name, or one of a kind that can run only once.",
    "Choose another name, or keep one of them.",
  ],
  instance_name_invalid: [
    "An instance's name is not allowed.",
    "Use lower-case letters, digits and dashes, at most 31 characters.",
  ],
  instance_unknown: ["The plugin has no such instance.", "See its instances with `alluse plugin config ID`."],
  live_change_refused: ["It cannot be changed while the agent runs.", "Start the agent anew."],
  migration_due: [
    "The stored configuration is of an earlier version of the plugin.",
    "Start the agent once: it translates the configuration.",
  ],
  migration_failed: [
    "The plugin could not translate its earlier configuration.",
    "Correct `config.json` by what the message says.",
  ],
  restart_failed: ["The plugin did not start again.", "See its reason with `alluse plugin info ID` and its log."],
  secret_unknown: ["The plugin has no secret of that name.", "See its settings with `alluse plugin config ID`."],
  secrets_invalid: ["`secrets.json` is damaged.", "Put back a copy, or move it away and set the secrets again."],

  // Batch collectors.
  batch_busy: ["A source was to be run while it runs.", "Wait for its end."],
  batch_columns_missing: [
    "The mapping reads a column that the file, answer or query does not have.",
    "Mend the name in the configuration, or the source.",
  ],
  batch_config_invalid: ["A source of a batch collector is not described rightly.", "Mend what the message names."],
  batch_locked: [
    "Another instance still works with the marks of how far sources were read.",
    "Nothing: the agent stops it first and starts this one then.",
  ],
  batch_source_failed: ["A source cannot be read as it is.", "See the message; it is tried again at its next scheduled time."],
  batch_too_many_files: ["A pattern has more files below it than are looked at.", "Name a narrower path."],
  sqlite_missing: ["This Node.js has no SQLite.", "Run the agent with Node.js 22.13 or newer."],

  // Supervision, processes and programs.
  answer_invalid: ["A plugin's process answered what cannot be an answer.", "A fault of the plugin: tell its author."],
  api_too_new: [
    "The plugin is written for a newer contract than the agent serves.",
    "Update the agent, or add an older version of the plugin.",
  ],
  api_too_old: ["The plugin is written for an older contract than the agent serves.", "Add a newer version of the plugin."],
  budget_exceeded: [
    "The plugin uses more CPU than its budget.",
    "Give it less to do, or raise `budget.cpu_ms_per_s` in its plugin.json.",
  ],
  documents_invalid: [
    "A document store's process answered what cannot be documents.",
    "A fault of that plugin: tell its author.",
  ],
  documents_late: ["A document store's process took too long.", "See what `alluse plugin info` says of it."],
  folder_unreadable: ["The program's user may not enter the folder it is to run in.", "Do what the message says."],
  line_too_long: ["A line of metrics is longer than any can be.", "Mend what printed it."],
  model_forgotten: ["The fitted model is no longer kept.", "Fit it again."],
  model_late: ["A model's process took too long.", "Give it fewer samples, or use another model."],
  output_closed: ["A program closed its standard output and went on.", "Mend the program: it must print its samples there."],
  output_empty: ["A program printed nothing.", "It must print its samples on standard output."],
  output_invalid: [
    "What a program printed is not in the format that its plugin.json names.",
    "Mend the program; the message says where.",
  ],
  processes_exceeded: ["A program started more processes than it may.", "Mend the program."],
  processor_late: [
    "A processor does not give samples back in time, so they go on without it.",
    "Give it less to do, or turn it off.",
  ],
  program_failed: ["A program ended with an error.", "See its last words in the message and its log."],
  program_missing: ["A program is not there.", "Install it, or correct `exec.command` in plugin.json."],
  reading_too_large: ["One reading is larger than any may be.", "Print less at a time."],
  series_refused: [
    "A program prints a series that it may not.",
    "Declare its metric in plugin.json, and keep to the limits of labels.",
  ],
  store_full: ["The plugin keeps more in `ctx.store` than it may.", "Keep less there, or use `ctx.documents`."],
};
