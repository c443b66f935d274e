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
		c                Config
		adapter, command string
	}{
		{Config{Handler: "index.main"}, "bash function", "main in " + dir + "/index.sh"},
		{Config{Handler: "app.main"}, "python3 function", "main in " + dir + "/app.py"},
		{Config{Handler: "tool"}, "program", dir + "/tool"},
		{Config{Handler: "tool", Standby: true}, "standby program", dir + "/tool"},
		{Config{Handler: "tool", Worker: true}, "worker", dir + "/tool"},
		{Config{Command: "cat"}, "program", "cat"},
		{Config{Command: "curl -H 'Key: hush'\nmore"}, "program", "curl …"},
		{Config{Command: "KEY=hush curl"}, "program", "…"},
		{Config{Command: " "}, "program", "…"},
		{Config{Command: `["jq", ".hush"]`}, "program", "jq …"},
		{Config{Command: `["cat"]`}, "program", "cat"},
		{Config{Command: `["/bin/sh", "-c", "hush"]`}, "program", "/bin/sh …"},
		{Config{Command: `["hush`}, "none", ""},
		{Config{Handler: "none.main"}, "none", "none.main"},
	} {
		row.c.Dir = dir
		adapter, command := row.c.Describe()
		if adapter != row.adapter || command != row.command {
			t.Errorf("%+v: got %q, %q, want %q, %q", row.c, adapter, command, row.adapter, row.command)
		}
	}
}
