package rie

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// The test binary is also the runtime. One of these variables names the
// scenario that it plays, and the other one the file for the answers.
const (
	scenarioVariable   = "PROBE_SCENARIO"
	transcriptVariable = "PROBE_TRANSCRIPT"
)

const (
	api       = "/2018-06-01"
	next      = api + "/runtime/invocation/next"
	initError = api + "/runtime/init/error"
	extension = "/2020-01-01/extension"
)

// A probe is a runtime that plays a scenario.
type probe struct {
	id         string // of the last event
	deadline   string
	transcript io.Writer
}

// play runs a scenario as the runtime, and exits.
func play(name string) {
	transcript, err := os.OpenFile(os.Getenv(transcriptVariable), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(100)
	}
	p := &probe{transcript: transcript}
	for _, s := range scenarios {
		if s.name == name {
			s.play(p)
		}
	}
	os.Exit(0)
}

// note adds a line to the transcript.
func (p *probe) note(format string, args ...any) { fmt.Fprintf(p.transcript, format+"\n", args...) }

// call makes a call, notes the answer under the name of a step, and returns its
// header.
func (p *probe) call(step, method, path, body string, header ...string) http.Header {
	answer, got := ask(method, path, body, header...)
	p.note("%s: %s", step, answer)
	return got
}

// ask makes a call, and returns the answer and its header.
func ask(method, path, body string, header ...string) (answer string, got http.Header) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, strings.NewReader(body))
	if err != nil {
		return err.Error(), nil
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "no answer", nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // what there is
	if resp.StatusCode >= 400 && !json.Valid(text) {
		text = nil // it is for people
	}
	return fmt.Sprint(resp.StatusCode, " ", kindOf(text)), resp.Header
}

// event polls for the events of an extension, and sends them to the channel.
func event(id string) <-chan string {
	answers := make(chan string)
	go func() { // ends with the program
		for {
			answer, _ := ask("GET", extension+"/event/next", "", "Lambda-Extension-Identifier", id)
			answers <- answer
		}
	}()
	return answers
}

// kindOf returns an answer without the texts that are meant for people.
func kindOf(body []byte) string {
	var said struct{ ErrorType, Status string }
	if json.Unmarshal(body, &said) == nil && said.ErrorType+said.Status != "" {
		return said.ErrorType + said.Status
	}
	var registered struct{ FunctionName, Handler *string }
	if json.Unmarshal(body, &registered) == nil && registered.Handler != nil {
		return "registered"
	}
	if strings.HasPrefix(string(body), `{"eventType"`) {
		return "event"
	}
	return strings.TrimSpace(fmt.Sprintf("%.20s", body))
}

// next polls. It notes whether the event is that of the last poll.
func (p *probe) next() {
	header := p.call("next", "GET", next, "")
	id := header.Get("Lambda-Runtime-Aws-Request-Id")
	switch {
	case id == "":
		p.note("no event")
	case id == p.id:
		p.note("the same event, the same deadline: %v", header.Get("Lambda-Runtime-Deadline-Ms") == p.deadline)
	}
	p.id, p.deadline = id, header.Get("Lambda-Runtime-Deadline-Ms")
}

// last polls for an event that does not come. It notes nothing, because the
// platform kills the runtime.
func (p *probe) last() {
	if resp, err := http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + next); err == nil {
		resp.Body.Close()
	}
	hang()
}

func (p *probe) respond(body string, header ...string) {
	p.call("response", "POST", api+"/runtime/invocation/"+p.id+"/response", body, header...)
}

func (p *probe) fail(body string, header ...string) {
	p.call("error", "POST", api+"/runtime/invocation/"+p.id+"/error", body, header...)
}

// register registers an extension and returns its id.
func (p *probe) register(name, events string) (id string) {
	header := p.call("register "+name, "POST", extension+"/register", `{"events":`+events+`}`, "Lambda-Extension-Name", name)
	return header.Get("Lambda-Extension-Identifier")
}

// truncate posts a response that breaks off.
func (p *probe) truncate() {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		p.note("truncated: %v", err)
		return
	}
	fmt.Fprintf(conn, "POST %s/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\nhalf", api, p.id, address)
	_ = conn.(*net.TCPConn).CloseWrite() // it is open
	answer, _ := io.ReadAll(conn)
	conn.Close()
	_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	p.note("truncated: %.12s %s", answer, kindOf([]byte(body)))
}

func hang() { time.Sleep(time.Hour) }
