package emulator

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary is also every program that the tests start: this variable
// tells it which one.
const helperVariable = "EMULATOR_TEST_HELPER"

// helpers do not return: that would be a test that runs.
var helpers = map[string]func(){
	"runtime":    serveEvents,
	"broken":     broken,
	"init error": reportInitError,
	"silent":     hang,
	"slow":       slow,
	"hasty":      hasty,
	"stubborn":   stubborn,
	"parallel":   parallel,
	"one event":  serveOne,
	"extended":   extended,
	"deaf":       deaf,
	"large":      large,
	"caller":     caller,
}

// quickExit is a variable without which -race makes each exit last a second.
const quickExit = "GORACE=atexit_sleep_ms=0"

var usedHelpers sync.Map

// helper is the variable that makes the test binary that helper.
func helper(name string) string {
	usedHelpers.Store(name, true)
	return helperVariable + "=" + name
}

func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		helpers[name]()
		os.Exit(100)
	}
	code := m.Run()
	if code == 0 && !picky() && unused() {
		code = 1
	}
	os.Exit(code)
}

// picky: a flag picks some of the tests.
func picky() bool {
	args := strings.Join(os.Args[1:], " ")
	return strings.Contains(args, "-test.run") || strings.Contains(args, "-test.skip") || strings.Contains(args, "-test.list")
}

func unused() (found bool) {
	for name := range helpers {
		if _, ok := usedHelpers.Load(name); !ok {
			fmt.Fprintf(os.Stderr, "no test uses the helper %q\n", name)
			found = true
		}
	}
	return found
}

func hang() { time.Sleep(time.Hour) }

// slow hangs when it is started for the first time in a folder.
func slow() {
	if os.Mkdir("started", 0o755) == nil {
		hang()
	}
	serveEvents()
}

// broken cannot start and says why.
func broken() {
	fmt.Fprintln(os.Stderr, "broken by design")
	os.Exit(3)
}

// hasty exits before it fetches an event.
func hasty() {
	newAPI().beReady()
	os.Exit(4)
}

// reportInitError says that it cannot start, and says more afterwards.
func reportInitError() {
	newAPI().post("init/error", "no such handler")
	fmt.Fprintln(os.Stderr, "last words")
	os.Exit(1)
}

// stubborn serves events and does not end when it is asked to.
func stubborn() {
	signal.Ignore(syscall.SIGTERM)
	serve()
}

// parallel serves as many events at the same time as Lambda says.
func parallel() {
	n, err := strconv.Atoi(os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY"))
	if err != nil {
		fatal(err)
	}
	for range n {
		go serve()
	}
	hang()
}

// extended is runtime with an extension.
func extended() {
	newAPI().extend()
	serveEvents()
}

// deaf is stubborn with an extension.
func deaf() {
	newAPI().extend()
	stubborn()
}

// large holds 64 MB for as long as its parent lives.
func large() {
	memory := make([]byte, 64<<20)
	for i := range memory {
		memory[i] = 1
	}
	fmt.Println("here")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(memory)
	os.Exit(0)
}

// caller keeps a connection, from which one can tell that it lives.
func caller() {
	dial(os.Args[1])
	fmt.Println("here")
	hang()
}

// dial connects for as long as the process lives.
func dial(address string) {
	if _, err := net.Dial("tcp", address); err != nil {
		fatal(err)
	}
}

func fatal(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(9)
}
