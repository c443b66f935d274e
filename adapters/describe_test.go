package adapters

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"index.sh", "app.py", "app.js", "tool"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		c                Settings
		adapter, command string
	}{
		{Settings{Handler: "index.main"}, "bash function", "main in " + dir + "/index.sh"},
		{Settings{Handler: "app.main"}, "python3 function", "main in " + dir + "/app.py"},
		{Settings{Handler: "tool"}, "program", dir + "/tool"},
		{Settings{Handler: "tool", Standby: true}, "standby program", dir + "/tool"},
		{Settings{Handler: "tool", Worker: true}, "worker", dir + "/tool"},
		{Settings{Command: "cat"}, "program", "cat"},
		{Settings{Command: "curl -H 'Key: hush'\nmore"}, "program", "curl …"},
		{Settings{Command: "KEY=hush curl"}, "program", "…"},
		{Settings{Command: " "}, "program", "…"},
		{Settings{Command: `["jq", ".hush"]`}, "program", "jq …"},
		{Settings{Command: `["cat"]`}, "program", "cat"},
		{Settings{Command: `["/bin/sh", "-c", "hush"]`}, "program", "/bin/sh …"},
		{Settings{Command: `["hush`}, "none", ""},
		{Settings{Handler: "none.main"}, "none", "none.main"},
	} {
		row.c.Dir = dir
		adapter, command := row.c.Describe()
		if adapter != row.adapter || command != row.command {
			t.Errorf("%+v: got %q, %q, want %q, %q", row.c, adapter, command, row.adapter, row.command)
		}
	}
}
