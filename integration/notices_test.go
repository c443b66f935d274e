package integration

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNotices checks that each module in the two binaries has its licence in
// the notices, and Go as well.
func TestNotices(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("../.ci/notices").Output()
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"Go go"}
	for _, program := range []string{bootstrap, bootstrapctl} {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range info.Deps {
			wanted = append(wanted, module.Path+" "+module.Version+": LICENSE")
		}
	}
	for _, want := range wanted {
		if !strings.Contains(string(out), "\n==== "+want) {
			t.Errorf("expected the heading %q in the notices", want)
		}
	}
}

// TestNoticesMissing checks that a module without a licence fails the script.
func TestNoticesMissing(t *testing.T) {
	t.Parallel()
	fake := t.TempDir()
	write(t, fake, "LICENSE", "the licence of Go\n", 0o644)
	code := "#!/bin/sh\ncase $1 in env) echo " + fake + ";; list) echo example.com/unlicensed v1.0.0 " + t.TempDir() + ";; esac\n"
	write(t, fake, "go", code, 0o755)
	cmd := exec.Command("../.ci/notices")
	cmd.Env = append(os.Environ(), "PATH="+fake+string(filepath.ListSeparator)+os.Getenv("PATH"))
	_, stderr, status := output(t, cmd)
	if status != 1 || !strings.Contains(stderr, "cannot find the licence of example.com/unlicensed v1.0.0") {
		t.Errorf("got status %d and %q", status, stderr)
	}
}
