package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// An extension is an internal one: the process of the runtime has registered
// it.
type extension struct {
	name, id string
	invoked  bool          // it gets each event, which ends only when the extension asks for the next one
	ready    bool          // it has asked for its next event, or it has failed
	failed   bool          // it said that it cannot go on
	call     chan extReply // the call that waits for an event
}

// An extReply answers an extension's poll with an event or a refusal.
type extReply struct {
	inv *invocation
	no  *refusal
}

// deliver hands an event to the call of an extension that gets events.
func (ext *extension) deliver(inv *invocation) {
	if ext.invoked && ext.ready {
		ext.ready = false
		ext.call <- extReply{inv: inv}
	}
}

// register adds an extension. From then on the instance is ready only if the
// extension is.
func (m *machine) register(instance int, ext *extension) *refusal {
	switch {
	case m.isOver(instance):
		return errInstanceOver
	case m.phase != starting || m.runtimeReady:
		return &refusal{403, "Extension.RegistrationClosed", "too late to register: the runtime has already asked for an event"}
	case slices.ContainsFunc(m.extensions, func(other *extension) bool { return other.name == ext.name }):
		return &refusal{403, "Extension.InvalidExtensionState", "an extension of this name is already registered"}
	}
	m.stats.Extensions++
	m.extensions = append(m.extensions, ext)
	return nil
}

// extensionReady notes that an extension asks for its next event, which
// comes through call.
func (m *machine) extensionReady(now time.Time, instance int, id string, call chan extReply) *refusal {
	ext, refused := m.extension(instance, id)
	if refused != nil {
		return refused
	}
	if ext.failed {
		return &refusal{403, "Extension.InvalidExtensionState", "the extension has failed"}
	}
	if ext.ready && ext.invoked {
		ext.call <- extReply{no: &refusal{403, "Extension.InvalidExtensionState", "another call is waiting for the next event"}}
	}
	ext.ready, ext.call = true, call
	m.extensionDone(now)
	return nil
}

// extensionFails notes that an extension cannot start, or exits.
func (m *machine) extensionFails(now time.Time, instance int, id, kind string) *refusal {
	ext, refused := m.extension(instance, id)
	switch {
	case refused != nil:
		return refused
	case kind == "":
		return &refusal{403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"}
	}
	ext.failed, ext.ready, ext.invoked = true, true, false // nothing waits for a failed extension
	m.extensionDone(now)
	return nil
}

// extensionDone finishes what may have waited for an extension: the start, or an
// event.
func (m *machine) extensionDone(now time.Time) {
	if m.runtimeReady {
		m.markReady(now)
	}
	m.conclude(now)
}

// extension returns the extension of an instance that has an id.
func (m *machine) extension(instance int, id string) (*extension, *refusal) {
	i := slices.IndexFunc(m.extensions, func(ext *extension) bool { return ext.id == id })
	switch {
	case m.isOver(instance):
		return nil, errInstanceOver
	case id == "":
		return nil, &refusal{403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"}
	case !uuid.MatchString(id):
		return nil, &refusal{403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"}
	case i < 0:
		return nil, &refusal{403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + id}
	}
	return m.extensions[i], nil
}

// uuid matches a UUID.
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// extensionsReady reports whether all extensions are ready.
func (m *machine) extensionsReady() bool {
	return !slices.ContainsFunc(m.extensions, func(ext *extension) bool { return !ext.ready })
}

// register serves the call that registers an extension.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	ext := &extension{name: r.Header.Get(s.platform.ExtensionName), id: randomID()}
	refused := s.checkExtension(ext, r)
	if refused == nil {
		refused = errInstanceOver
		s.update(func(m *machine, _ time.Time) { refused = m.register(instanceOf(r), ext) })
	}
	if refused != nil {
		refuse(w, refused)
		return
	}
	w.Header().Set(s.platform.ExtensionID, ext.id)
	writeJSON(w, http.StatusOK, map[string]string{
		"functionName": s.fn.Name, "functionVersion": "$LATEST", "handler": s.fn.Handler,
	})
}

// checkExtension checks the name and the events of an extension. An extension
// within the runtime cannot ask for the shutdown event.
func (s *Server) checkExtension(ext *extension, r *http.Request) *refusal {
	var wanted struct{ Events []string }
	body, err := s.readBody(r)
	if err == nil {
		err = json.Unmarshal(body, &wanted)
	}
	switch {
	case ext.name == "":
		return &refusal{403, "Extension.InvalidExtensionName", "Empty extension name"}
	case err != nil:
		return &refusal{403, "InvalidRequestFormat", err.Error()}
	}
	for _, event := range wanted.Events {
		if event != "INVOKE" {
			return &refusal{403, "Extension.InvalidEventType", event + ": an extension within the runtime gets only INVOKE"}
		}
		ext.invoked = true
	}
	return nil
}

// extensionNext holds the call until there is an event for the extension, until
// the extension hangs up, or until the server is closed.
func (s *Server) extensionNext(w http.ResponseWriter, r *http.Request) {
	refused, id, call := errInstanceOver, r.Header.Get(s.platform.ExtensionID), make(chan extReply, 1)
	s.update(func(m *machine, now time.Time) { refused = m.extensionReady(now, instanceOf(r), id, call) })
	if refused != nil {
		refuse(w, refused)
		return
	}
	select {
	case rep := <-call:
		if rep.no != nil {
			refuse(w, rep.no)
			return
		}
		writeJSON(w, http.StatusOK, s.invokeEvent(rep.inv))
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// invokeEvent returns an event in the form that extensions get, without its
// payload.
func (s *Server) invokeEvent(inv *invocation) any {
	header := http.Header{}
	s.eventHeader(header, inv)
	return struct {
		EventType string            `json:"eventType"`
		Deadline  int64             `json:"deadlineMs"`
		ID        string            `json:"requestId"`
		ARN       string            `json:"invokedFunctionArn"`
		Tracing   map[string]string `json:"tracing"`
	}{"INVOKE", inv.delivered.Add(s.fn.Timeout).UnixMilli(), inv.id, header.Get("Lambda-Runtime-Invoked-Function-Arn"),
		map[string]string{"type": "X-Amzn-Trace-Id", "value": header.Get("Lambda-Runtime-Trace-Id")}}
}

// extensionFail serves the calls that report the failure of an extension.
func (s *Server) extensionFail(w http.ResponseWriter, r *http.Request) {
	s.post(w, r, func(m *machine, now time.Time, _ answer) *refusal {
		return m.extensionFails(now, instanceOf(r), r.Header.Get(s.platform.ExtensionID), r.Header.Get("Lambda-Extension-Function-Error-Type"))
	})
}

// hasExtension reports whether the instance has registered an extension.
func (s *Server) hasExtension() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.machine.extensions) > 0
}
