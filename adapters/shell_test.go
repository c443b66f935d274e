package adapters

import (
	"fmt"
	"maps"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bootstrap/internal/effort"
	"bootstrap/internal/leaktest"
	"bootstrap/protocol"
)

// A dialect is a kind of shell that runs scripts.
type dialect string

const (
	bash    dialect = "bash"
	oldBash dialect = "old bash" // before 4.4: it has no mapfile -d
	sh      dialect = "sh"
)

// shells runs a test in each dialect.
func shells(t *testing.T, test func(t *testing.T, d dialect)) {
	bashes(t, test)
	t.Run(string(sh), func(t *testing.T) { test(t, sh) })
}

// bashes runs a test in a new and in an old bash. The old one is the same
// program, and a host that calls mapfile with an option that does not exist.
func bashes(t *testing.T, test func(t *testing.T, d dialect)) {
	t.Run(string(bash), func(t *testing.T) { test(t, bash) })
	t.Run(string(oldBash), func(t *testing.T) {
		language := languageOf("index.sh")
		text := language.host
		t.Cleanup(func() { language.host = text })
		language.host = strings.Replace(text, "mapfile -d ''", "mapfile --not-yet ''", 1)
		if language.host == text {
			t.Fatal("the host does not call mapfile -d")
		}
		test(t, oldBash)
	})
}

// pick returns the value for the dialect.
func pick[T any](d dialect, ofBash, ofSh T) T {
	if d == sh {
		return ofSh
	}
	return ofBash
}

// number numbers the dialects.
func (d dialect) number() int { return slices.Index([]dialect{bash, oldBash, sh}, d) }

// inTurn returns the rows that a dialect runs: in a short run each row has its
// turn in one of n dialects.
func inTurn[T any](d dialect, n int, rows []T) (turns []T) {
	for i, row := range rows {
		if effort.HasTurn(i+d.number(), n) {
			turns = append(turns, row)
		}
	}
	return turns
}

// rows returns the rows of a table that a dialect runs: those for every shell,
// and its own.
func rows[T any](d dialect, all, ofBash, ofSh []T) []T {
	return slices.Concat(inTurn(d, 3, all), pick(d, inTurn(d, 2, ofBash), ofSh))
}

// script returns the configuration of a function main in a script.
func (d dialect) script(t *testing.T, text string) setup {
	t.Helper()
	c := script(t, text)
	if d == sh {
		c.Getenv = withoutBash(t)
	}
	return c
}

// script returns the configuration of a function main in a bash script.
func script(t *testing.T, text string) setup {
	t.Helper()
	c := config(t, files{"index.sh": text})
	c.Handler = "index.main"
	return c
}

// withoutBash returns an environment in which bootstrap finds sh and no bash.
// Commands have the usual PATH.
func withoutBash(t *testing.T) func(name string) string {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	bin := t.TempDir()
	if err := os.Symlink(path, filepath.Join(bin, "sh")); err != nil {
		t.Fatal(err)
	}
	return func(name string) string {
		if name == "PATH" {
			return bin
		}
		return os.Getenv(name)
	}
}

// evaluate is a function that runs its event as shell code.
const evaluate = `main() { eval "$1"; }`

// itself is the pid of the subshell that serves an event.
const itself = `$(sh -c 'echo $PPID')`

// served checks the outcome of an event. An empty kind stands for success, and
// a kind that ends with a dot for all kinds that begin so.
func served(got string, failure *protocol.Failure, kind, want string) error {
	switch {
	case kind == "" && (failure != nil || got != want):
		return fmt.Errorf("got %q, %v, want %q", got, failure, want)
	case kind != "" && (failure == nil || !isKind(failure.Type, kind) || !strings.Contains(failure.Message, want)):
		return fmt.Errorf("got %q, %v, want %s: %s", got, failure, kind, want)
	}
	return nil
}

func isKind(got, want string) bool {
	return got == want || strings.HasSuffix(want, ".") && strings.HasPrefix(got, want)
}

// sorted returns the names in a table, in the same order in each run.
func sorted(table map[string]string) []string { return slices.Sorted(maps.Keys(table)) }

// drops reports whether a dialect changes a text that is an argument: an old bash
// drops newlines at its end.
func (d dialect) drops(text string) bool { return d == oldBash && strings.HasSuffix(text, "\n") }

func TestFunctionBytes(t *testing.T) {
	ways := map[string]string{
		"argument": `main() { printf %s "$1"; }`,
		"stdin":    `main() { cat; }`,
		"both":     `main() { printf %s "$1" | cmp - /dev/fd/3 3<&0 || return; printf %s "$1"; }`,
		"fd 3":     `main() { echo log; printf %s "$1" >&3; }`,
		"stdin, 3": `main() { echo log; cat >&3; }`,
	}
	shells(t, func(t *testing.T, d dialect) {
		for j, way := range sorted(ways) {
			c := d.script(t, ways[way])
			c.ResultFD3 = strings.HasSuffix(way, "3")
			c.FailOnStderr = !c.ResultFD3 // the host writes nothing to stderr
			a := start(t, c)
			for i, name := range sorted(texts) {
				text := texts[name]
				if way == "both" && d.drops(text) || !effort.HasTurn(i+j+d.number(), 3) && !(way == "both" && oldBash.drops(text)) {
					continue
				}
				t.Run(way+" "+name, func(t *testing.T) {
					succeeds(t, a, text, strings.TrimRight(text, "\n"))
				})
			}
		}
	})
}

// In bash an argument ends at a NUL, and in sh it lacks the NULs. Stdin and the
// result keep them.
func TestFunctionNULs(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, `main() { cat; }`))
		for _, text := range notText {
			succeeds(t, a, text, strings.TrimRight(text, "\n"))
		}
		a = start(t, d.script(t, `main() { printf %s "$1"; }`))
		if d != oldBash { // which drops NULs, as sh does
			succeeds(t, a, "one\x00two\x00", pick(d, "one", "onetwo"))
			succeeds(t, a, "\x00two", pick(d, "", "two"))
		}
		rest := strings.ReplaceAll(allBytes(), "\x00", "") + "."
		succeeds(t, a, rest, rest)
	})
}

func TestFunctionSizes(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, `main() { echo ${#1}; wc -c; }`))
		for _, size := range inTurn(d, 3, []int{0, 1, 65535, 65536, 65537, 131071, 131072, 1 << 20, 6 << 20}) {
			succeeds(t, a, strings.Repeat("x", size), fmt.Sprintf("%d\n%d", size, size))
		}
		quotes := strings.Repeat("'\\\n", effort.Repeats(100000)) + "."
		succeeds(t, a, quotes, fmt.Sprintf("%d\n%[1]d", len(quotes)))
		a = start(t, d.script(t, `main() { cat; }`))
		body := random(effort.Repeats(6<<20)) + "."
		succeeds(t, a, body, body)
		succeeds(t, a, "small", "small")
	})
}

func TestLoadedOnce(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, `echo loading; echo "and warning" >&2; n=$((n + 1)); main() { echo "$n $$"; }`), &hook{}
		c.Stderr = log
		a := start(t, c)
		first, failure := invoke(t, a, "")
		if failure != nil || !strings.HasPrefix(first, "1 ") {
			t.Fatalf("got %q, %v", first, failure)
		}
		for range effort.Repeats(10) {
			succeeds(t, a, "", first)
		}
		if got := log.String(); got != "loading\nand warning\n" {
			t.Errorf("log: got %q, want each line once", got)
		}
	})
}

// A trace shows the commands of the script, and none of the host.
func TestTrace(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, "set -x\nmain() { echo \"$1\"; }"), &hook{}
		c.Stderr = log
		a := start(t, c)
		succeeds(t, a, "hello", "hello")
		if got, want := log.String(), "+ main hello\n+ echo hello\n"; got != want {
			t.Errorf("log: got %q, want %q", got, want)
		}
	})
}

func TestScriptNames(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, name := range inTurn(d, 3, []string{"a b", "-e", "$(exit)", "'", "*", "é"}) {
			c := d.script(t, "")
			put(t, c.Dir+"/"+name+".sh", []byte("main() { echo ok; }"), 0o644)
			c.Handler = name + ".main"
			succeeds(t, start(t, c), "", "ok")
		}
	})
}

// A program that the function calls has three descriptors, four if one is for
// the result, and the usual signals.
func TestFunctionCleanChild(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		for _, fd3 := range []bool{false, true} {
			c, log := d.script(t, "ls /proc/self/fd; readlink /proc/self/fd/0; echo $#\n"+evaluate), &hook{}
			c.Stderr, c.ResultFD3 = log, fd3
			a := start(t, c)
			if got := log.String(); got != "0\n1\n2\n3\n/dev/null\n0\n" {
				t.Errorf("at the load: got %q", got)
			}
			out, want := "", "0\n1\n2\n3\n"
			if fd3 {
				out, want = " >&3", "0\n1\n2\n3\n4\n"
			}
			// ls has the folder itself open, too.
			succeeds(t, a, "{ ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status; }"+out, want+defaultSignals(t))
			succeeds(t, a, "{ env | grep -c bootstrap_; echo; }"+out, "0")
		}
	})
}

// Only the event that brings credentials, and other variables, sees them.
func TestFunctionCredentials(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		c, log := d.script(t, "set -x\n"+`main() { env | grep -c secret; echo "$FUNCTION_REQUEST_ID"; }`), &hook{}
		c.Platform, c.PassCredentials, c.Stderr = protocol.FunctionGraph, true, log
		a := start(t, c)
		ev := newEvent("")
		ev.ID = "it's \"$(one)\"\\"
		ev.Header = textproto.MIMEHeader{}
		for name, value := range credentials {
			ev.Header.Set(name, value)
		}
		if got, failure := invokeEvent(t, a, ev); failure != nil || got != "6\n"+ev.ID {
			t.Errorf("got %q, %v", got, failure)
		}
		prepare(a)
		h := a.(*adapter).way.(*shell).host
		for _, s := range []*scratchFile{h.event, h.preamble} {
			if info, err := s.file.Stat(); err != nil || info.Size() > 0 {
				t.Errorf("left in a file: %d bytes, %v", info.Size(), err)
			}
		}
		ev = newEvent("")
		ev.ID = ""
		if got, failure := invokeEvent(t, a, ev); failure != nil || got != "0" {
			t.Errorf("got %q, %v", got, failure)
		}
		if strings.Contains(log.String(), "secret-") {
			t.Errorf("log: got %s", log)
		}
	})
}

func TestFunctionNothingLeft(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		const theirs = "ls /proc/$$/fd"
		shell, _ := invoke(t, a, theirs)
		before := len(leaktest.OpenFiles(t))
		for i := range effort.Repeats(200) {
			_, _ = invoke(t, a, fmt.Sprintf("read -r event; echo \"$event\"; echo error >&2; exit %d", i%2)) // either is fine
		}
		if after := len(leaktest.OpenFiles(t)); after != before {
			t.Errorf("descriptors: got %d, want %d", after, before)
		}
		succeeds(t, a, theirs, shell)
		if left := names(t, os.Getenv("TMPDIR")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// A temp folder that is full fails the event, not the function.
func TestFunctionNoSpace(t *testing.T) {
	shells(t, func(t *testing.T, d dialect) {
		a := start(t, d.script(t, evaluate))
		succeeds(t, a, "echo ok", "ok")
		h := a.(*adapter).way.(*shell).host
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		file := h.event.file
		h.event.file = full
		fails(t, a, "echo ok", "Runtime.TempError", "is full: delete the files of earlier events")
		h.event.file = file
		succeeds(t, a, "echo ok", "ok")
	})
}
