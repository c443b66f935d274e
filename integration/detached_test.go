package integration

import (
	"os/exec"
	"testing"
	"time"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// detaching lists functions that start a process in a session of its own and
// answer with its pid, and with {"pid": …} say whether that process still lives.
var detaching = map[string]struct{ needs, file, code string }{
	"python": {"python3", "index.py", `
import os, subprocess
def main_handler(event, context):
    if event:
        return os.path.exists("/proc/%d/cwd" % event)  # not of a zombie
    return subprocess.Popen(["sleep", "300"], start_new_session=True).pid
`},
	"node": {"node", "index.js", `
const { spawn } = require('child_process');
exports.main_handler = async (event) => event
	? require('fs').existsSync('/proc/' + event + '/cwd')
	: spawn('sleep', ['300'], { detached: true, stdio: 'ignore' }).pid;
`},
}

// A process outside the group that a resident interpreter has started is gone
// before the next event.
func TestDetachedProcessOfAFunction(t *testing.T) {
	for name, fn := range detaching {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(fn.needs); err != nil {
				t.Skip("NOT TESTED: ", err)
			}
			dir := t.TempDir()
			write(t, dir, fn.file, fn.code, 0o644)
			_, runner := start(t, protocol.SCF, emulator.Function{Handler: "index.main_handler", Dir: dir, Timeout: 20 * time.Second}, nil)
			for range 3 {
				pid := succeeds(t, runner, "0")
				if got := succeeds(t, runner, pid); got != "false" {
					t.Errorf("process %s lives in the next event: %s, want false", pid, got)
				}
			}
		})
	}
}
