import { render } from "preact";
import { App } from "./app.tsx";
import { startAgent } from "./state/agent.ts";
import { startPanelHealth } from "./state/panel-health.ts";
import { followAddress } from "./state/router.ts";
import { startTheme } from "./state/theme.ts";

startTheme();
followAddress();
startPanelHealth();
startAgent();
render(<App />, document.body);
