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

	"golang.org/x/sys/unix"
)

// helperVariable makes the test binary act as the named helper. The test binary
// is every program that the tests start.
const helperVariable = "EMULATOR_TEST_HELPER"

// helpers must not return, as the tests would run then.
var helpers = map[string]func(){
	"runtime":    serveEvents,
	"broken":     failStart,
	"init error": reportInitError,
	"silent":     hang,
	"slow":       slow,
	"hasty":      exitBeforePoll,
	"stubborn":   ignoreTerm,
	"patient":    countTerms,
	"parallel":   serveParallel,
	"one event":  serveOne,
	"extended":   serveWithExtension,
	"deaf":       stubbornWithExtension,
	"large":      hold64MB,
	"greedy":     holdMemory,
	"caller":     keepConnection,
	"busy":       keepTalking,
}

// quickExit is a variable without which each exit takes a second with -race.
const quickExit = "GORACE=atexit_sleep_ms=0"

var usedHelpers sync.Map

// helper returns the variable that makes the test binary that helper.
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
	if code == 0 && !someTestsSelected() && hasUnusedHelpers() {
		code = 1
	}
	os.Exit(code)
}

// someTestsSelected reports whether a flag selects some of the tests.
func someTestsSelected() bool {
	args := strings.Join(os.Args[1:], " ")
	return strings.Contains(args, "-test.run") || strings.Contains(args, "-test.skip") || strings.Contains(args, "-test.list")
}

func hasUnusedHelpers() (found bool) {
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

// failStart reports a failed start and exits.
func failStart() {
	fmt.Fprintln(os.Stderr, "broken by design")
	os.Exit(3)
}

// exitBeforePoll exits before it fetches an event.
func exitBeforePoll() {
	newAPI().beReady()
	os.Exit(4)
}

// reportInitError reports a failed start, and writes more afterwards.
func reportInitError() {
	newAPI().post("init/error", "no such handler")
	fmt.Fprintln(os.Stderr, "last words")
	os.Exit(1)
}

// countTerms connects to the test at SIGTERM. It exits with status 3 at a second one,
// and with 0 at SIGWINCH.
func countTerms() {
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGTERM, syscall.SIGWINCH)
	go serve()
	<-got
	dial(os.Getenv("TEST_ADDRESS"))
	if <-got == syscall.SIGTERM {
		os.Exit(3)
	}
	os.Exit(0)
}

// ignoreTerm serves events and ignores SIGTERM.
func ignoreTerm() {
	signal.Ignore(syscall.SIGTERM)
	serve()
}

// serveParallel serves as many events at the same time as Lambda says.
func serveParallel() {
	n, err := strconv.Atoi(os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY"))
	if err != nil {
		fatal(err)
	}
	for range n {
		go serve()
	}
	hang()
}

// serveWithExtension serves events and has an extension.
func serveWithExtension() {
	newAPI().extend()
	serveEvents()
}

// stubbornWithExtension is stubborn with an extension.
func stubbornWithExtension() {
	newAPI().extend()
	ignoreTerm()
}

// hold64MB holds 64 MB as long as its parent lives.
func hold64MB() { hold("64") }

// holdMemory holds as many megabytes as its argument says.
func holdMemory() { hold(os.Args[1]) }

func hold(megabytes string) {
	memory := allocate(megabytes)
	fmt.Println("here")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(memory)
	os.Exit(0)
}

// allocate returns memory that the kernel has provided.
func allocate(megabytes string) []byte {
	n, err := strconv.Atoi(megabytes)
	if err != nil {
		fatal(err)
	}
	memory := make([]byte, n<<20)
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // fewer page faults, if the kernel has large pages
	for i := 0; i < len(memory); i += 1024 {
		memory[i] = 1
	}
	return memory
}

// keepConnection keeps a connection open, which shows that it lives.
func keepConnection() {
	dial(os.Args[1])
	fmt.Println("here")
	hang()
}

// keepTalking writes to a connection all the time.
func keepTalking() {
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		fatal(err)
	}
	fmt.Println("here")
	for err == nil {
		time.Sleep(time.Millisecond)
		_, err = conn.Write([]byte("x"))
	}
}

// dial keeps a connection open as long as the process lives.
func dial(address string) {
	if _, err := net.Dial("tcp", address); err != nil {
		fatal(err)
	}
}

func fatal(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(9)
}
