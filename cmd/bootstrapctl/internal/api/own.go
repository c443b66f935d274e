package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// A functionView is the JSON form in which /_local/functions shows a function.
type functionView struct {
	Name      string   `json:"name"`
	Platform  string   `json:"platform"`
	Handler   string   `json:"handler"`
	Timeout   float64  `json:"timeoutSeconds"`
	MemoryMB  int      `json:"memoryMB"`
	Instances int      `json:"instances"`
	Busy      int      `json:"busy"`
	Waiting   int      `json:"waiting"`
	Error     string   `json:"error,omitempty"`
	Triggers  []string `json:"triggers,omitempty"`
}

func (s *server) list(w http.ResponseWriter, _ *http.Request) {
	views := []functionView{}
	for _, f := range s.cloud.Functions(nil) {
		d := f.Describe()
		v := functionView{d.Name, d.Platform.Name, d.Handler, d.Timeout.Seconds(), d.MemoryMB, d.Running, d.Busy, d.Waiting, "", nil}
		if d.Broken != nil {
			v.Error = d.Broken.String()
		}
		for _, t := range d.Triggers {
			v.Triggers = append(v.Triggers, strings.TrimSpace(t.Kind+" "+cmp.Or(t.Name, t.Path)))
		}
		views = append(views, v)
	}
	writeJSON(w, views)
}

// An invocationView is the JSON form in which /_local/ shows an invocation.
type invocationView struct {
	ID       string    `json:"requestId"`
	Via      string    `json:"via,omitempty"`
	Status   string    `json:"status"`
	Attempt  int       `json:"attempt"`
	Arrived  time.Time `json:"arrived"`
	WaitMS   float64   `json:"waitMs"`
	InitMS   float64   `json:"initMs,omitempty"`
	TookMS   float64   `json:"tookMs"`
	MemoryMB float64   `json:"memoryMB,omitempty"`
	Result   string    `json:"result,omitempty"`
	Error    string    `json:"error,omitempty"`
	Log      string    `json:"log,omitempty"`
}

func viewOf(inv *local.Invocation) invocationView {
	v := invocationView{
		ID: inv.ID, Via: inv.Via, Status: string(inv.Status), Attempt: inv.Attempt, Arrived: inv.Arrived,
		WaitMS: milliseconds(inv.Wait), InitMS: milliseconds(inv.Outcome.Init), TookMS: milliseconds(inv.Outcome.Duration),
		MemoryMB: float64(inv.Memory) / (1 << 20), Log: string(inv.Log),
	}
	if inv.Fault != nil {
		v.Error = string(inv.Fault.Body(inv.ID))
	} else {
		v.Result = string(inv.Outcome.Body)
	}
	return v
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// invocations lists the latest invocations of a function, the newest first.
func (s *server) invocations(w http.ResponseWriter, r *http.Request) {
	f, err := s.only(r.PathValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	views := []invocationView{}
	for _, inv := range f.Invocations() {
		views = append(views, viewOf(inv))
	}
	writeJSON(w, views)
}

// invocation returns the state of an invocation, also of an asynchronous one.
func (s *server) invocation(w http.ResponseWriter, r *http.Request) {
	f, err := s.only(r.PathValue("name"))
	var inv *local.Invocation
	if err == nil {
		inv, err = f.Invocation(r.PathValue("id"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	writeJSON(w, viewOf(inv))
}

// fire fires a timer by hand.
func (s *server) fire(w http.ResponseWriter, r *http.Request) {
	f, err := s.only(r.PathValue("name"))
	id := ""
	if err == nil {
		id, err = f.Fire(r.PathValue("timer"))
	}
	if err != nil {
		http.Error(w, err.Error(), StatusOf(err))
		return
	}
	writeJSON(w, map[string]string{"requestId": id})
}

func (s *server) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(s.options.Certificate) // the caller may have hung up
}

// help answers with a text about the requests that the server accepts.
func (s *server) help(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "This is bootstrapctl local. POST an event to this address, or use a vendor's SDK.")
	fmt.Fprintln(w, "\nGET /_local/functions lists the functions:")
	for _, f := range s.cloud.Functions(nil) {
		fmt.Fprintf(w, "  %-13s %s\n", f.Platform().Name, f.Name())
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v) // the caller may have hung up
}
