package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// plain sends the body of a request as an event to the only function, or to the one that
// the parameter "function" names. The answer is the result, with status 200, or the
// platform's error, with 500.
func (s *server) plain(w http.ResponseWriter, r *http.Request) {
	f, err := s.only(r.URL.Query().Get("function"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	limit := local.LimitsOf(f.Platform()).Event
	event, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		http.Error(w, "cannot read the event: "+err.Error(), http.StatusBadRequest)
		return
	}
	if len(event) == 0 {
		event = []byte("{}")
	}
	inv, err := f.Invoke(r.Context(), local.Call{Body: event, Via: "POST /"})
	if err != nil {
		http.Error(w, err.Error(), StatusOf(err))
		return
	}
	status, body := http.StatusOK, inv.Outcome.Body
	if inv.Fault != nil {
		status, body = http.StatusInternalServerError, inv.Fault.Body(inv.ID)
	}
	w.Header().Set("Request-Id", inv.ID)
	if json.Valid(body) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have hung up
}

// StatusOf returns the status of HTTP for an error of a function.
func StatusOf(err error) int {
	switch {
	case errors.Is(err, local.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, local.ErrThrottled):
		return http.StatusTooManyRequests
	case errors.Is(err, local.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, local.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// only returns the function with a name, or without a name the only one.
func (s *server) only(name string) (*local.Function, error) {
	all := s.cloud.Functions(nil)
	var names []string
	for _, f := range all {
		if f.Name() == name {
			return f, nil
		}
		names = append(names, f.Name())
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("there is no function: create one, or name its folder when you start bootstrapctl local")
	case name != "":
		return nil, fmt.Errorf("there is no function %q: there are %s", name, strings.Join(names, ", "))
	case len(all) > 1:
		return nil, fmt.Errorf("there are several functions: say which, as in /?function=%s (%s)", names[0], strings.Join(names, ", "))
	}
	return all[0], nil
}

// A functionView is how /_local/functions shows a function.
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

// An invocationView is how /_local/ shows an invocation.
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

func (s *server) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(s.options.Certificate) // the caller may have hung up
}

// help says what can be sent here.
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
