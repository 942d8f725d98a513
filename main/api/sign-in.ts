/**
 * What a browser without the cookie sees. Static text: nothing of the request is in it, and it needs neither style nor
 * script.
 */
export const SIGN_IN_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ALL-USE Agent: sign in</title>
</head>
<body>
<h1>This browser is not signed in</h1>
<p>Open the address with <code>?token=</code> that <code>alluse start</code> printed when the agent started.</p>
<p>It is no longer at hand? On the machine where the agent runs, <code>alluse status</code> shows it again.</p>
</body>
</html>
`;
