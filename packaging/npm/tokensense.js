#!/usr/bin/env node
// Starts the command of the package for this system, and ends as it does.
const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const own = `tokensense-${process.platform}-${process.arch}`;
let command;
try {
  command = require.resolve(`${own}/bin/tokensense`);
} catch {
  console.error(`tokensense: there is no package ${own}: install it, or build from source with cargo`);
  process.exit(127);
}
const child = spawn(command, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`tokensense: cannot start ${command}: ${error.message}`);
  process.exit(126);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  } else {
    process.exit(code);
  }
});
