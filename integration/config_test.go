package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// TestC05MissingLibrary checks that the failure quotes the loader's message
// about a missing library.
func TestC05MissingLibrary(t *testing.T) {
	const loader = "tool: error while loading shared libraries: libnone.so.10: cannot open shared object file: No such file or directory"
	inEachWay(t, "echo '"+loader+"' >&2; exit 127", nil, func(t *testing.T, f *trial) {
		f.fails(t, "{}", "Function.NotFound", loader)
	})
}

// A program needs nothing from the image: no shell, no tool, no PATH, no /proc
// and no temp folder.
func TestC06EmptyImage(t *testing.T) {
	image := t.TempDir()
	for _, folder := range []string{image, filepath.Dir(bootstrap)} {
		if err := os.MkdirAll(filepath.Join(image, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyProgram(t, bootstrap, filepath.Join(image, bootstrap))
	copyProgram(t, bootstrap, filepath.Join(image, image, "tool"))
	possible(t, "chroot", image, bootstrap, "version")
	_, runner := start(t, protocol.SCF, emulator.Function{Dir: image, Timeout: patience,
		Env: []string{`BOOTSTRAP_COMMAND=["./tool", "version"]`, "PATH="}}, os.Stderr, "chroot", image)
	for range 2 {
		out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
		if err != nil || out.Kind != emulator.Result || len(out.Body) == 0 {
			t.Errorf("got %v %q, %v, want a version", out.Kind, out.Body, err)
		}
	}
}

// possible skips a test if a wrapper does not work on this machine.
func possible(t *testing.T, wrapper ...string) {
	t.Helper()
	if out, err := exec.Command(wrapper[0], wrapper[1:]...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: this machine does not let a test run %s: %v %s", wrapper[0], err, out)
	}
}

// A list of arguments arrives unchanged: nothing splits or expands it.
func TestC08Quoting(t *testing.T) {
	dir := t.TempDir()
	_, runner := start(t, protocol.SCF, emulator.Function{Dir: dir, Timeout: patience,
		Env: []string{`BOOTSTRAP_COMMAND=["printf", "%s|", "a  b", "", "'\"$HOME", "l\nm", "$(touch made)", "*", "\\\\"]`}}, nil)
	out, err := runner.Invoke(t.Context(), emulator.Event{Body: []byte("{}")})
	const want = `a  b||'"$HOME|` + "l\nm" + `|$(touch made)|*|\\|`
	if err != nil || out.Kind != emulator.Result || string(out.Body) != want {
		t.Errorf("got %v %q, %v, want %q", out.Kind, out.Body, err, want)
	}
}

// No part of an event is ever run, in whatever field it comes.
func TestC09Injection(t *testing.T) {
	inEachWay(t, `event; printf %s "$FUNCTION_REQUEST_ID $FUNCTION_INVOKE_TYPE $FUNCTION_TRACE_ID $FUNCTION_MEMORY_MB" >/dev/null`, nil, func(t *testing.T, f *trial) {
		for _, text := range []string{"; touch made", "$(touch made)", "`touch made`", "'; touch made; '", `"; touch made; "`, "\ntouch made\n#", "| touch made", "${IFS%?}$(touch made)", "x[$(touch made)]"} {
			field := strings.ReplaceAll(text, "\n", " ")
			out, err := f.runner.Invoke(t.Context(), emulator.Event{Body: f.kind().event(text), Header: map[string][]string{
				"Memory_limit_in_mb": {field}, "X-Cff-Invoke-Type": {field}, "Lambda-Runtime-Trace-Id": {field},
				"Lambda-Runtime-Invoked-Function-Arn": {field}, "Time_limit_in_ms": {field},
			}})
			if err != nil || out.Kind != emulator.Result || strings.TrimRight(string(out.Body), "\n") != strings.TrimRight(text, "\n") {
				t.Errorf("%q: got %v %q, %v, want it back", text, out.Kind, out.Body, err)
			}
		}
		if _, err := os.Stat(filepath.Join(f.dir, "made")); err == nil {
			t.Error("something of an event was run")
		}
	})
}

// bootstrap writes only to the temp folder.
func TestC12ReadOnlyCode(t *testing.T) {
	ordinary := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	if os.Getuid() != 0 {
		ordinary = nil
	} else {
		possible(t, append(ordinary, "true")...)
	}
	for _, way := range triedWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way.name, protocol.SCF, `event; touch "$TMPDIR/file"; rm "$TMPDIR/file"; ! touch file 2>/dev/null`, nil, ordinary...)
			open(t, filepath.Dir(f.dir), filepath.Dir(bootstrap))
			if err := os.Chmod(f.tmp, 0o777); err != nil {
				t.Fatal(err)
			}
			for folder, mode := range map[string]os.FileMode{f.dir: 0o555, filepath.Join(f.dir, "bin"): 0o555} {
				_ = os.Chmod(folder, mode) // not every way has bin
				t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
			}
			f.succeeds(t, "hello", "hello")
			f.leavesNothing(t)
		})
	}
}

// open lets every user enter folders.
func open(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// A full temp folder fails the event that needs it, with that reason. The next
// event is served.
func TestC13FullTempFolder(t *testing.T) {
	for _, way := range []string{"file", "function"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f := begin(t, way, protocol.SCF, "event | wc -c", nil, smallTemp(t)...)
			f.succeeds(t, "small", "5\n")
			f.fails(t, strings.Repeat("x", 200_000), "Runtime.TempError", "the temp folder "+f.tmp+" is full: delete the files of earlier events")
			f.succeeds(t, "small again", "11\n")
		})
	}
}
