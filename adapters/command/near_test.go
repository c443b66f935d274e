package command

import (
	"errors"
	"strings"
	"testing"

	"bootstrap/protocol"
)

// The failure of a handler that does not exist suggests names, and lists what
// the folder has.
func TestNearHandler(t *testing.T) {
	tests := []struct {
		name, handler string
		code          files
		want          string // end of the message
	}{
		{"a typo in the file", "idnex.main_handler", files{"index.py": "", "data.json": ""}, `: did you mean "index.main_handler"? the folder holds "data.json", "index.py"`},
		{"a file without a function", "index", files{"index.sh": ""}, `; the folder holds "index.sh"`},
		{"a function in a folder", "src/ap.main", files{"src/app.js": ""}, `: did you mean "src/app.main"? the folder holds "src/app.js"`},
		{"a program", "toll", files{"tool": "#!/bin/sh"}, `: did you mean "tool"? the folder holds "tool"`},
		{"upper case", "Index.handler", files{"index.mjs": ""}, `: did you mean "index.handler"? the folder holds "index.mjs"`},
		{"nothing like it", "application.main", files{"x.sh": ""}, `; the folder holds "x.sh"`},
		{"an empty folder", "index.main", files{"bootstrap": "", "bootstrap.env": "", ".git/config": "", "node_modules/a/index.js": ""}, "; the folder holds nothing else"},
		{"many files", "a.b", files{"f1": "", "f2": "", "f3": "", "f4": "", "f5": "", "f6": "", "f7": "", "f8": "", "f9": "", "g/h/i/j/k": ""}, `"f8" and 1 more`},
		{"a hidden file in a folder", "src/ap.main", files{"src/app.js": "", "src/.env": ""}, `: did you mean "src/app.main"? the folder holds "src/app.js"`},
		{"a name of two lines", "index.main", files{"in\nex.sh": ""}, `"in\nex.sh"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Resolve("", test.handler, folder(t, test.code))
			failure, ok := errors.AsType[*protocol.Failure](err)
			if !ok || !strings.HasSuffix(failure.Message, test.want) || strings.Contains(failure.Message, "\n") {
				t.Errorf("got %v\nwant …%s", err, test.want)
			}
		})
	}
}
