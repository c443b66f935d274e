// Package integration runs the built programs, as users do.
package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	signals "os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"bootstrap/protocol"
	"bootstrap/protocol/emulator"
)

// The paths of the programs that TestMain builds.
var bootstrap, bootstrapctl string

func TestMain(m *testing.M) {
	help()
	folder, err := os.MkdirTemp("", "integration-")
	if err == nil {
		err = checkSandbox()
	}
	if err == nil {
		err = buildAll(folder)
	}
	if err == nil {
		err = os.Chmod(folder, 0o755) // the runtime may be another user
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot run the tests:", err)
		os.Exit(1)
	}
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		if signals.Ignored(sig) { // by nohup, or in the background of a script: commands would ignore it, too
			signals.Notify(make(chan os.Signal, 1), sig)
		}
	}
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

// buildAll builds bootstrapctl with this very bootstrap inside, without
// touching the files that make puts into the tree.
func buildAll(folder string) error {
	bootstrap, bootstrapctl = filepath.Join(folder, "bootstrap"), filepath.Join(folder, "bootstrapctl")
	if err := build(bootstrap, "../cmd/bootstrap"); err != nil {
		return err
	}
	carried, err := filepath.Abs("../cmd/bootstrapctl/runtime/bootstrap-" + runtime.GOARCH)
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{carried: bootstrap}})
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		return err
	}
	return build(bootstrapctl, "-overlay="+file, "../cmd/bootstrapctl")
}

func build(out string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", out}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// everywhere runs a test on each platform, or on one in a sandbox.
func everywhere(t *testing.T, test func(t *testing.T, p *protocol.Platform)) {
	platforms := protocol.Platforms
	switch os.Getenv("SANDBOX") {
	case "":
	case "lambda":
		platforms = []*protocol.Platform{protocol.Lambda}
	default:
		platforms = platforms[:1]
	}
	for _, p := range platforms {
		t.Run(p.Name, func(t *testing.T) { test(t, p) })
	}
}

// somewhere runs a test of what is the same on each platform: everywhere, or in a
// short run on one platform, which the name of the test chooses.
func somewhere(t *testing.T, test func(t *testing.T, p *protocol.Platform)) {
	if !testing.Short() || os.Getenv("SANDBOX") != "" {
		everywhere(t, test)
		return
	}
	turn := crc32.ChecksumIEEE([]byte(t.Name()))
	p := protocol.Platforms[turn%uint32(len(protocol.Platforms))]
	t.Run(p.Name, func(t *testing.T) { test(t, p) })
}

// start runs bootstrap with a function, behind a wrapper such as unshare. The
// test stops it at its end, and checks that only a neighbour is left.
func start(t testing.TB, p *protocol.Platform, fn emulator.Function, log io.Writer, wrapper ...string) (*emulator.Server, *emulator.Runner) {
	t.Helper()
	server, err := emulator.New(p, fn)
	if err != nil {
		t.Fatal(err)
	}
	command := runtimeCommand(wrapper...)
	in := profileIn(command)
	in.around.open(t, fn)
	runner := emulator.NewRunner(server, command, log, log)
	t.Cleanup(func() {
		pid := runner.PID()
		in.neighbourly(t, fn.Dir, server.Stats().Instances, func() bool { return runner.PID() != 0 })
		state := runner.Stop()
		server.Close()
		if state != nil && state.ExitCode() == 0 { // it had time to clear up
			kinshipOfFunction(fn, pid).extinct(t)
		}
	})
	return server, runner
}

// output runs cmd to its end and returns its output.
func output(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), log.String(), cmd.ProcessState.ExitCode()
}

// write puts a file into a function's folder.
func write(t testing.TB, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
