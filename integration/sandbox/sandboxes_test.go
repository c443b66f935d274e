package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bootstrap/internal/locked"
)

// Variables of this test program.
const (
	boxesVariable    = "REAL_SANDBOXES"   // the names of the boxes to test, with commas between them, or all
	boxVariable      = "SANDBOX_NAME"     // the box in which this program runs
	programsVariable = "SANDBOX_PROGRAMS" // the folder with what was built outside
)

// Every scenario runs natively, or in the box that this program is in.
func TestScenarios(t *testing.T) {
	b := native
	if i := slices.IndexFunc(boxes, func(b box) bool { return b.name == os.Getenv(boxVariable) }); i >= 0 {
		b = boxes[i]
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { s.play(t, b) })
	}
}

// Every scenario runs in every box, which is new each time.
func TestSandboxes(t *testing.T) {
	asked := strings.Split(os.Getenv(boxesVariable), ",")
	for _, b := range boxes {
		t.Run(b.name, func(t *testing.T) {
			if !slices.Contains(asked, "all") && !slices.Contains(asked, b.name) {
				t.Skipf("NOT TESTED: sandboxes take minutes; run make real-sandboxes, or set %s to their names", boxesVariable)
			}
			b.check(t)
			for _, s := range scenarios {
				if !s.unfit(b) {
					t.Run(s.name, func(t *testing.T) { b.run(t, s) })
				}
			}
		})
	}
}

// check skips a test if this machine cannot make the box, and builds the
// programs for the box.
func (b box) check(t *testing.T) {
	t.Helper()
	needs(t, b.needs)
	if os.Getuid() != 0 {
		untested(t, "only root can make this sandbox")
	}
	if b.arch != "" && b.arch != runtime.GOARCH {
		if err := build(programs, b.arch); err != nil {
			t.Fatal("cannot build the runtime: ", err)
		}
	}
	words := append(slices.Clone(b.wrapper), "true")
	if b.contains != nil {
		words = append(b.contains(), "-test.run", "^$")
	}
	if out, err := b.output(t.Context(), words); err != nil {
		untested(t, "this machine cannot make the sandbox: %v\n%s", err, out)
	}
}

// needs skips a test if this machine lacks a program.
func needs(t *testing.T, programs []string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			untested(t, "install the program: %v", err)
		}
	}
}

// run runs a scenario in a new sandbox.
func (b box) run(t *testing.T, s scenario) {
	if b.contains == nil {
		s.play(t, b)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := b.output(ctx, append(b.contains(), "-test.v", fmt.Sprintf("-test.parallel=%d", runtime.NumCPU()), "-test.run", "^TestScenarios$/^"+s.name+"$"))
	switch {
	case err != nil:
		t.Errorf("%v:\n%s", err, out)
	case !strings.Contains(out, "--- PASS: TestScenarios/"+strings.ReplaceAll(s.name, " ", "_")):
		t.Errorf("no test has run:\n%s", out)
	}
}

// output runs a command to its end. Its output goes to a pipe, because gVisor
// would overwrite a file.
func (b box) output(ctx context.Context, words []string) (string, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), boxVariable+"="+b.name, programsVariable+"="+programs)
	cmd.WaitDelay = time.Second
	var out locked.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// itself returns the path of a copy of this test program, beside the programs
// that were built.
var itself = sync.OnceValue(func() string {
	to := filepath.Join(programs, "scenarios")
	if err := copyProgram("/proc/self/exe", to); err != nil {
		panic(fmt.Sprint("cannot copy the test program: ", err))
	}
	return to
})

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
