package emulator

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The helper "runtime" is a minimal runtime for every platform, written from
// the documents alone.

// An api holds the addresses of the calls.
type api struct{ base, ready, next, response, id string }

func newAPI() api {
	if at := os.Getenv("AWS_LAMBDA_RUNTIME_API"); at != "" {
		return api{"http://" + at + "/2018-06-01/runtime/", "", "invocation/next", "invocation/%s/response",
			"Lambda-Runtime-Aws-Request-Id"}
	}
	if at := os.Getenv("RUNTIME_API_ADDR"); at != "" {
		return api{"http://" + at + "/v1/runtime/invocation/", "", "request", "response/%s", "X-Cff-Request-Id"}
	}
	at := os.Getenv("SCF_RUNTIME_API") + ":" + os.Getenv("SCF_RUNTIME_API_PORT")
	return api{"http://" + at + "/runtime/", "init/ready", "invocation/next", "invocation/response", "Request_Id"}
}

func (a api) beReady() {
	if a.ready != "" {
		a.post(a.ready, " ")
	}
}

func (a api) get() (id, event string) {
	resp, err := http.Get(a.base + a.next)
	if err != nil {
		fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		fatal(err, resp.Status)
	}
	return resp.Header.Get(a.id), string(body)
}

func (a api) post(path, body string) {
	resp, err := http.Post(a.base+path, "text/plain", strings.NewReader(body))
	if err != nil {
		fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode/100 != 2 {
		fatal(err, resp.Status)
	}
}

// extend registers a Lambda extension, which waits in its call until we exit.
func (a api) extend() {
	base := strings.Replace(a.base, "/2018-06-01/runtime/", "/2020-01-01/extension/", 1)
	req, err := http.NewRequest("POST", base+"register", strings.NewReader(`{"events":[]}`))
	if err != nil {
		fatal(err)
	}
	req.Header.Set("Lambda-Extension-Name", "helper")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		fatal(err, resp)
	}
	resp.Body.Close()
	wait, err := http.NewRequest("GET", base+"event/next", nil)
	if err != nil {
		fatal(err)
	}
	wait.Header.Set("Lambda-Extension-Identifier", resp.Header.Get("Lambda-Extension-Identifier"))
	go func() { // ends with the process
		_, err := http.DefaultClient.Do(wait)
		fatal("an extension got an answer", err)
	}()
}

// serveEvents exits with status 0 at SIGTERM.
func serveEvents() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		fmt.Fprintln(os.Stderr, "terminated")
		os.Exit(0)
	}()
	serve()
}

func serve() {
	a := newAPI()
	a.beReady()
	for {
		a.serveOne()
	}
}

// serveOne serves one event.
func serveOne() {
	a := newAPI()
	a.beReady()
	a.serveOne()
	os.Exit(0)
}

func (a api) serveOne() {
	id, event := a.get()
	result := handle(event)
	path := a.response
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, id)
	}
	a.post(path, result)
	if event == "bye" {
		os.Exit(0)
	}
	if address, ok := strings.CutPrefix(event, "rest "); ok {
		rest(address)
	}
}

// rest returns when the connection ends.
func rest(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // only its end matters
}

// handle obeys the event.
func handle(event string) (result string) {
	what, argument, _ := strings.Cut(event, " ")
	switch what {
	case "die":
		os.Exit(5)
	case "hang":
		if argument != "" {
			dial(argument)
		}
		hang()
	case "meet":
		waitForOthers(argument)
	case "environment":
		return strings.Join(os.Environ(), "\n")
	case "folder":
		wd, err := os.Getwd()
		return fmt.Sprint(wd, err)
	case "stdin":
		input, err := io.ReadAll(os.Stdin)
		return fmt.Sprintf("%q %v", input, err)
	case "speak":
		fmt.Fprint(os.Stdout, "on stdout")
		fmt.Fprint(os.Stderr, "on stderr")
	case "spawn":
		startChild(argument)
	case "grow":
		memory := allocate(argument)
		hang()
		runtime.KeepAlive(memory)
	case "feed":
		feed(argument)
	case "desert":
		leaveOrphan(argument)
	}
	return event
}

// feed runs a child that needs some memory, and ignores how it ends.
func feed(megabytes string) {
	cmd := exec.Command(os.Args[0], megabytes)
	cmd.Env = append(os.Environ(), helperVariable+"=greedy")
	_ = cmd.Run() // the kernel may kill it
}

// leaveOrphan starts a process in a session of its own and without a parent:
// the helper of that name, with an argument.
func leaveOrphan(what string) {
	name, argument, _ := strings.Cut(what, " ")
	cmd := exec.Command("setsid", "--fork", os.Args[0], argument)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	if err := cmd.Run(); err != nil {
		fatal(err)
	}
}

// barrier collects events that are served at the same time.
var barrier = struct {
	sync.Mutex
	here int
	all  chan struct{} // closed when all have arrived
}{all: make(chan struct{})}

// waitForOthers waits until that number of events has arrived.
func waitForOthers(all string) {
	barrier.Lock()
	if barrier.here++; strconv.Itoa(barrier.here) == all {
		close(barrier.all)
	}
	barrier.Unlock()
	<-barrier.all
}

// startChild starts "VARIABLE=value argument", the test binary with that
// variable and in a group of its own, and waits for its first line.
func startChild(what string) {
	variable, argument, _ := strings.Cut(what, "; ")
	cmd := exec.Command(os.Args[0], argument)
	cmd.Env = []string{variable}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := cmd.StdinPipe(); err != nil { // open until we exit
		fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		fatal(err)
	}
	if err := cmd.Start(); err != nil {
		fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		fatal(err)
	}
}
