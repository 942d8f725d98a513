/**
 * The command line's entry. It imports nothing but what every command needs to be found, so that `--help` and `query`
 * do not load the agent. The version check comes before any other module of ours is loaded: their syntax may be too
 * new for the Node.js that runs this.
 */
async function main(): Promise<void> {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(
      `alluse: needs Node.js 20.19 or newer, found ${process.versions.node}; install a newer one from nodejs.org.\n`,
    );
    process.exitCode = 1;
    return;
  }
  // A reader that has seen enough (`| head`) closes the pipe; that is no failure of ours.
  process.stdout.on("error", () => undefined);
  const { runCommand } = await import("./commands.ts");
  process.exitCode = await runCommand(process.argv.slice(2));
}

await main();

export {};
