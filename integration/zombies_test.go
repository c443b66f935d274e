package integration

import (
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// A host or worker that starts a process for each event and waits for none does
// not fill the sandbox with zombies.
func TestR28ZombiesBelow(t *testing.T) {
	const most = 64 + 16 + 1
	events := most + 5 + effort.Repeats(64)
	spawns := "import os\ndef main_handler(event, context):\n    os.waitid(os.P_PID, os.spawnlp(os.P_NOWAIT, 'true', 'true'), os.WEXITED | os.WNOWAIT)\n    return 'ok'\n"
	worker := `#!/usr/bin/env python3
import json, os, sys
answers = os.fdopen(3, 'wb', 0)
answers.write(b'{"ready":true}\n')
while line := sys.stdin.buffer.readline():
    frame = json.loads(line)
    sys.stdin.buffer.read(frame['length'])
    os.waitid(os.P_PID, os.spawnlp(os.P_NOWAIT, 'true', 'true'), os.WEXITED | os.WNOWAIT)
    answers.write(json.dumps({'id': frame['id'], 'length': 2}).encode() + b'\nok')
`
	for name, row := range map[string]struct {
		file, code string
		fn         emulator.Function
	}{
		"host":   {"index.py", spawns, emulator.Function{Handler: "index.main_handler"}},
		"worker": {"tool", worker, emulator.Function{Handler: "tool", Env: []string{"BOOTSTRAP_ADAPTER=worker"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.fn.Dir, row.fn.Timeout = t.TempDir(), patience
			write(t, row.fn.Dir, row.file, row.code, 0o755)
			_, runner := start(t, protocol.SCF, row.fn, nil)
			for n := range events {
				succeeds(t, runner, "{}")
				if got := zombies(tree(pidOf(runner))); got > most {
					t.Fatalf("got %d zombies after %d events, want %d at most", got, n+1, most)
				}
			}
		})
	}
}
