package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A front is a program that runs a function behind the Lambda API.
type front struct {
	name    string
	command func(address, runtimeAPI string) []string
	env     []string
	code    string // the code folder
	missing error  // why it cannot run; nil: it can
}

// local returns bootstrapctl local with the worker in C as its function.
func (t *tools) local() front {
	return front{
		name: "bootstrapctl local",
		command: func(address, _ string) []string {
			command := []string{t.bootstrapctl, "local", "-platform", "lambda", "-addr", address, "-runtime", t.bootstrap, "-timeout", "60s"}
			for _, v := range t.workerEnv() {
				command = append(command, "-env", v)
			}
			return append(command, t.bash)
		},
		env: os.Environ(), code: t.bash,
	}
}

// emulator returns AWS's runtime interface emulator with the same function and runtime.
func (t *tools) emulator() front {
	return front{
		name: "AWS's emulator",
		command: func(address, runtimeAPI string) []string {
			return []string{t.rie, "--runtime-interface-emulator-address", address, "--runtime-api-address", runtimeAPI,
				"--log-level", "fatal", t.bootstrap, "index.main_handler"}
		},
		env:  append(os.Environ(), append(t.workerEnv(), "LAMBDA_TASK_ROOT="+t.bash, "AWS_LAMBDA_FUNCTION_TIMEOUT=60")...),
		code: t.bash, missing: t.rieMissing,
	}
}

// workerEnv returns the variables that make bootstrap run the worker in C.
func (t *tools) workerEnv() []string {
	return []string{"BOOTSTRAP_ADAPTER=worker", fmt.Sprintf("BOOTSTRAP_COMMAND=[%q]", t.worker)}
}

// buildEmulator builds AWS's emulator.
func (t *tools) buildEmulator(dir string) {
	t.rie = filepath.Join(dir, "aws-lambda-rie")
	t.rieMissing = buildModule("integration/rie", t.rie, "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie")
}

// buildInGo builds the function on AWS's library for Go, as AWS recommends: without
// net/rpc, which only the runtime go1.x needed.
func (t *tools) buildInGo(dir string) {
	t.lambdaGo = filepath.Join(dir, "awslambda")
	t.lambdaGoMissing = buildModule(home+"/awslambda", t.lambdaGo, ".", "-trimpath", "-ldflags=-s -w", "-tags=lambda.norpc")
}

// buildTime is how long the build of a module may take, with its downloads.
const buildTime = 5 * time.Minute

// buildModule builds a program in a module of its own. That needs a network, or Go's
// cache of modules.
func buildModule(dir, program, source string, flags ...string) error {
	cmd := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), source)...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	timer := time.AfterFunc(buildTime, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // it may have exited
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build it: %w: %s", err, lastLine(string(out)))
	}
	return nil
}

// lastLine returns the last line of a text, which says why a command has failed.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// A server is a front that runs. Only one runs at a time.
type server struct {
	front
	address string
	pid     int
	log     *os.File
	first   time.Duration // from before its start until its first answer
}

// serve starts a front and waits for its first answer. After an error, which holds the
// reason from the log, no process is left running.
func (f front) serve() (*server, error) {
	if f.missing != nil {
		return nil, f.missing
	}
	address, runtimeAPI, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	s := &server{front: f, address: address}
	if s.log, err = openLog(false); err != nil {
		return nil, err
	}
	began := time.Now()
	if s.pid, err = spawn(f.command(address, runtimeAPI), f.env, f.code, s.log); err == nil {
		err = s.awaitFirst()
	}
	if err != nil {
		err = s.explain(err)
		s.stop()
		return nil, err
	}
	s.first = time.Since(began)
	return s, nil
}

// awaitFirst sends an event until the server listens and answers it.
func (s *server) awaitFirst() error {
	c := newCaller(s.address)
	defer c.close()
	for end := time.Now().Add(silence); ; time.Sleep(time.Millisecond) {
		switch err := c.invoke([]byte(`{"first":true}`)); {
		case err == nil || !errors.Is(err, syscall.ECONNREFUSED):
			return err
		case exited(s.pid):
			return errExited
		case time.Now().After(end):
			return errSilent
		}
	}
}

// explain adds to an error why a program in Go has panicked, if it has.
func (s *server) explain(err error) error {
	text, _ := os.ReadFile(s.log.Name()) // without the log, report the error alone
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "panic: ") {
			return fmt.Errorf("%w; its log: %s", err, strings.TrimSpace(line))
		}
	}
	return err
}

// stop asks the server to exit, so that it can clear up, and kills it after a time.
func (s *server) stop() {
	_ = syscall.Kill(s.pid, syscall.SIGTERM) // it may have exited
	for end := time.Now().Add(5 * time.Second); !exited(s.pid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	endAll()
	_ = s.log.Close() // nothing was written here
	_ = os.Remove(s.log.Name())
}

// freeAddresses returns two addresses on which nobody listens.
func freeAddresses() (a, b string, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer first.Close()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer second.Close()
	return first.Addr().String(), second.Addr().String(), nil
}
