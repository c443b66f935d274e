package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// For any handler and command, the result is a path below the code folder, a
// named program, or a failure of one line.
func FuzzResolve(f *testing.F) {
	for _, seed := range [][2]string{
		{"", "index.main_handler"}, {"", "tool"}, {"", "bin/tool"}, {"", "../x"}, {"", "/bin/sh"}, {"", ""},
		{"", "index."}, {"", ".sh"}, {"", "index.sh"}, {"", "a\x00b"}, {"", "index.main\nhandler"}, {"", "./index.x"}, {"", "in\nex.m"},
		{`["jq", "."]`, ""}, {"[", ""}, {"[]", ""}, {`[""]`, ""}, {"[1]", ""}, {"cat | tr a b", "x"}, {" [ \"a\" ]", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	dir := f.TempDir()
	for _, name := range []string{"index.sh", "tool", "hello.py"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, command, handler string) {
		target, err := Resolve(command, handler, dir)
		if err != nil {
			failure, ok := errors.AsType[*protocol.Failure](err)
			if !ok || failure.Type != "Runtime.HandlerNotFound" || strings.Contains(failure.Message, "\n") {
				t.Errorf("command %q, handler %q: got the error %v", command, handler, err)
			}
			return
		}
		switch {
		case command != "":
			if len(target.Args) == 0 || target.Args[0] == "" {
				t.Errorf("command %q: got %q", command, target.Args)
			}
		case target.Function != "":
			if target.Args != nil || !strings.HasPrefix(target.File, dir+"/") || !strings.HasSuffix(handler, "."+target.Function) {
				t.Errorf("handler %q: got %+v", handler, target)
			}
		case len(target.Args) != 1 || !strings.HasPrefix(target.Args[0], dir):
			t.Errorf("handler %q: got %+v", handler, target)
		}
	})
}
