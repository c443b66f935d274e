package localtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"bootstrap/protocol"

	"golang.org/x/sys/unix"
)

// An event says what the runtime has to do. The zero value is echoed.
type event struct {
	Log     string // what to write to stderr
	Fail    string // the message of a failure to post
	Exit    int    // the status to exit with, in place of an answer
	Forever bool   // do not answer
	Size    int    // bytes of the result
	Alloc   int    // MB to use before the answer
	PID     bool   // the result is the process number
	Wait    string // a file: answer once it exists
}

// serve is a runtime. With LOCALTEST_START=exit or hang it does not become ready.
func serve() {
	p, err := protocol.Detect("", os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch os.Getenv("LOCALTEST_START") {
	case "exit":
		fmt.Fprintln(os.Stderr, "the start fails")
		os.Exit(7)
	case "hang":
		select {}
	}
	endpoint, _ := p.Endpoint(os.Getenv) // an invalid one fails in the first call
	base := "http://" + endpoint
	if p.Ready != "" {
		post(base+p.Ready, []byte(" "))
	}
	for {
		response, err := http.Get(base + p.Next)
		if err != nil {
			os.Exit(0) // the platform is gone
		}
		body, _ := io.ReadAll(response.Body) // a part of an event is not JSON
		response.Body.Close()
		id := response.Header.Get(p.RequestID)
		if id == "" {
			id = strings.Join(response.Header[p.RequestID], "")
		}
		result, failed := work(body)
		path := p.Response
		if failed {
			path = p.Error
		}
		post(base+strings.Replace(path, "{id}", id, 1), result)
	}
}

// hoard keeps the memory that an event has asked for.
var hoard [][]byte

// work does what an event says.
func work(body []byte) (result []byte, failed bool) {
	var ev event
	_ = json.Unmarshal(body, &ev) // other events are echoed
	fmt.Fprint(os.Stderr, ev.Log)
	for ev.Wait != "" {
		if _, err := os.Stat(ev.Wait); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if ev.Alloc > 0 {
		hoard = append(hoard, use(ev.Alloc<<20))
	}
	switch {
	case ev.Exit != 0:
		os.Exit(ev.Exit)
	case ev.Forever:
		select {}
	case ev.Fail != "":
		text, _ := json.Marshal(map[string]string{"errorType": "Test", "errorMessage": ev.Fail}) // strings: never fails
		return text, true
	case ev.Size > 0:
		return bytes.Repeat([]byte("a"), ev.Size), false
	case ev.PID:
		return fmt.Appendf(nil, "%d", os.Getpid()), false
	}
	return body, false
}

// use returns memory that the kernel has provided.
func use(size int) []byte {
	memory := make([]byte, size)
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // fewer page faults, if the kernel has large pages
	for i := 0; i < size; i += 1024 {
		memory[i] = 1
	}
	return memory
}

func post(url string, body []byte) {
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err == nil {
		response.Body.Close()
	}
}
