package adapters

import (
	"testing"

	"bootstrap/protocol"
)

// A program that exists may still be unable to run: the start fails.
func TestStartFails(t *testing.T) {
	code := files{
		"index.sh":    "main_handler() { :; }",
		"plain":       "text",
		"folder/file": "",
		"sub/index.sh": `main_handler() { :; }
			helper() { :; }`,
	}
	tests := []struct {
		name, command, handler, kind, want string
	}{
		{"no handler", "", "", "Runtime.HandlerNotFound", "no handler"},
		{"a script's file name", "", "index.sh", "Function.NotExecutable", "index.sh is not executable (mode 0644): chmod +x"},
		{"a file that is not a program", "", "plain", "Function.NotExecutable", "plain is not executable (mode 0644)"},
		{"a folder", "", "folder", "Function.NotExecutable", "folder is a folder, not a program"},
		{"the code folder", "", ".", "Function.NotExecutable", "is a folder"},
		{"no such function", "", "index.main", "Runtime.HandlerNotFound", "index.sh does not define the function main (it defines: main_handler)"},
		{"no such function of two", "", "sub/index.main", "Runtime.HandlerNotFound", "it defines: helper main_handler)"},
		{"an option as a function", "", "index.-p", "Runtime.HandlerNotFound", "does not define the function -p"},
		{"a builtin as a function", "", "index.echo", "Runtime.HandlerNotFound", "does not define the function echo"},
		{"no such command", `["no-such-command"]`, "", "Function.NotFound", `"no-such-command" is not in PATH (`},
		{"no such file", `["./no-such-file"]`, "", "Function.NotFound", "/no-such-file does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config(t, code)
			c.Command, c.Handler = test.command, test.handler
			wantFailure(t, startFailure(t, c), test.kind, test.want)
		})
	}
}

// startFailure returns why an adapter cannot start.
func startFailure(t *testing.T, c setup) *protocol.Failure {
	t.Helper()
	err := c.adapter().Start(t.Context())
	failure, ok := err.(*protocol.Failure)
	if !ok {
		t.Fatalf("Start: got %v, want a failure", err)
	}
	checkFailure(t, failure)
	noneLeft(t)
	return failure
}
