// Starts the host of Node functions, the first argument, if this Node is new enough
// for it. Every Node can run these lines, even as an ES module, which NODE_OPTIONS can
// make of them.
(function () {
	var versions = process.versions, other = versions.bun ? 'bun' : versions.deno ? 'deno' : '', refused = '';
	if (other) {
		refused = ' is ' + other + ', not Node: set BOOTSTRAP_NODE to the path of Node, or write a worker for ' + other + ' (BOOTSTRAP_ADAPTER=worker and BOOTSTRAP_COMMAND)';
	} else if (parseInt(versions.node, 10) < 14) {
		refused = ' is Node ' + versions.node + ', and functions need 14 or newer: set BOOTSTRAP_NODE to a newer one';
	}
	if (typeof require === 'function') run(require);
	else eval("import('module')").then(function (module) { run(module.createRequire(process.execPath)); });

	function run(require) {
		if (refused) {
			require('fs').writeSync(3, JSON.stringify({ error: { type: 'Runtime.NoInterpreter', message: process.execPath + refused } }) + '\n');
			process.exit(1);
		}
		var Module = require('module');
		new Module('[eval]')._compile(process.argv[1], '/[eval]'); // an option can forbid eval, and import() needs a path
	}
})();
