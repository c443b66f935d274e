package emulator

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The helper "runtime": a runtime of a few lines for every platform, by the
// documents alone.

// An api is where the calls are.
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

// extend registers an extension, which is Lambda's, and waits in it for as long
// as we live.
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
	go func() { // ends when we do
		_, err := http.DefaultClient.Do(wait)
		fatal("an extension got an answer", err)
	}()
}

// serveEvents ends with 0 when it is asked to.
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
	result := obey(event)
	path := a.response
	if strings.Contains(path, "%s") {
		path = fmt.Sprintf(path, id)
	}
	a.post(path, result)
	if event == "bye" {
		os.Exit(0)
	}
}

// obey does what the event says.
func obey(event string) (result string) {
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
		meet(argument)
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
		spawn(argument)
	case "desert":
		desert(argument)
	}
	return event
}

// desert leaves a process behind that has lost its parent, in a session of its
// own: the helper of that name, with an argument.
func desert(what string) {
	name, argument, _ := strings.Cut(what, " ")
	cmd := exec.Command("setsid", "--fork", os.Args[0], argument)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	if err := cmd.Run(); err != nil {
		fatal(err)
	}
}

// meeting is where events meet that are in hand at the same time.
var meeting = struct {
	sync.Mutex
	here int
	all  chan struct{} // closed when all are here
}{all: make(chan struct{})}

// meet blocks until as many events as it says are here.
func meet(all string) {
	meeting.Lock()
	if meeting.here++; strconv.Itoa(meeting.here) == all {
		close(meeting.all)
	}
	meeting.Unlock()
	<-meeting.all
}

// spawn starts "VARIABLE=value argument", the test binary in that environment
// and in a group of its own, and waits until it has said a line.
func spawn(what string) {
	variable, argument, _ := strings.Cut(what, "; ")
	cmd := exec.Command(os.Args[0], argument)
	cmd.Env = []string{variable}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := cmd.StdinPipe(); err != nil { // open until we are gone
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
