package main

import (
	"bytes"
	"strings"
	"testing"

	"bootstrap/protocol"
)

func TestWarnOfArgument(t *testing.T) {
	tests := []struct {
		command, delivery string
		warned            bool
	}{
		{`jq . <<<"$1"`, "stdin", true},
		{`echo "${1}"`, "stdin", true},
		{`./tool "$@"`, "file", true},
		{`echo "$1"`, "argv", false},
		{`awk '{print $1}'`, "stdin", false},
		{`set -- a b; echo "$1"`, "stdin", false},
		{`f() { echo "$1"; }; f a`, "stdin", false},
		{`["sh", "-c", "echo \"$1\"", "sh", "a"]`, "stdin", false},
		{`cat`, "stdin", false},
	}
	for _, test := range tests {
		t.Run(test.command, func(t *testing.T) {
			setEnv(t, map[string]string{"BOOTSTRAP_COMMAND": test.command, "BOOTSTRAP_DELIVERY": test.delivery})
			c, err := readConfig(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			b := newBuilder(c, protocol.Lambda, t.TempDir(), &log)
			b.warnOfArgument()
			b.closeLogs()
			if warned := strings.Contains(log.String(), "set BOOTSTRAP_DELIVERY=argv"); warned != test.warned {
				t.Errorf("warned: %v, want %v: %s", warned, test.warned, &log)
			}
		})
	}
}
