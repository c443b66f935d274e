package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// An extension is one that the runtime's process has registered. It gets no
// events: we have none for it.
type extension struct {
	name, id string
	ready    bool // for its next event, and so is ready
}

// register: an extension is there, from which point on the instance is not
// ready without it.
func (m *machine) register(instance int, ext *extension) *refusal {
	switch {
	case m.isOver(instance):
		return errOver
	case m.phase != starting || m.runtimeReady:
		return &refusal{403, "Extension.RegistrationClosed", "the runtime has asked for an event: it is too late to register"}
	case slices.ContainsFunc(m.extensions, func(other *extension) bool { return other.name == ext.name }):
		return &refusal{403, "Extension.InvalidExtensionState", "an extension of this name is registered"}
	}
	m.stats.Extensions++
	m.extensions = append(m.extensions, ext)
	return nil
}

// extensionWaits: the extension with that id asks for its next event.
func (m *machine) extensionReady(now time.Time, instance int, id string) *refusal {
	i := slices.IndexFunc(m.extensions, func(ext *extension) bool { return ext.id == id })
	switch {
	case m.isOver(instance):
		return errOver
	case i < 0:
		return &refusal{403, "Extension.UnknownExtensionIdentifier", "Unknown extension " + id}
	}
	m.extensions[i].ready = true
	if m.runtimeReady {
		m.markReady(now)
	}
	return nil
}

// complete: no extension keeps the instance from being ready.
func (m *machine) extensionsReady() bool {
	return !slices.ContainsFunc(m.extensions, func(ext *extension) bool { return !ext.ready })
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	ext := &extension{name: r.Header.Get(s.platform.ExtensionName), id: randomID()}
	no := s.checkExtension(ext.name, r)
	if no == nil {
		no = errOver
		s.update(func(m *machine, _ time.Time) { no = m.register(instanceOf(r), ext) })
	}
	if no != nil {
		refuse(w, no)
		return
	}
	w.Header().Set(s.platform.ExtensionID, ext.id)
	writeJSON(w, http.StatusOK, map[string]string{
		"functionName": s.fn.Name, "functionVersion": "$LATEST", "handler": s.fn.Handler,
	})
}

// checkExtension: an extension has a name and wants no events.
func (s *Server) checkExtension(name string, r *http.Request) *refusal {
	var wanted struct{ Events []string }
	body, err := s.readBody(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &wanted)
	}
	switch {
	case name == "":
		return &refusal{403, "Extension.InvalidExtensionName", "Empty extension name"}
	case err != nil:
		return &refusal{403, "InvalidRequestFormat", err.Error()}
	case len(wanted.Events) > 0:
		return &refusal{403, "Extension.InvalidEventType", fmt.Sprintf("%q: the emulator has no events for extensions", wanted.Events)}
	}
	return nil
}

// extensionNext holds the call until the extension hangs up, or we do.
func (s *Server) extensionNext(w http.ResponseWriter, r *http.Request) {
	no, id := errOver, r.Header.Get(s.platform.ExtensionID)
	s.update(func(m *machine, now time.Time) { no = m.extensionReady(now, instanceOf(r), id) })
	if no != nil {
		refuse(w, no)
		return
	}
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// registered: the instance has an extension.
func (s *Server) hasExtension() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.machine.extensions) > 0
}
