package local

import "time"

// watchStart reports that the instance of an event takes long to start, until stop is
// called or the event is delivered.
func (f *Function) watchStart(s *slot) (stop func()) {
	if f.cloud.options.Slow == nil || s.runner.PID() != 0 {
		return func() {}
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() { // ends in stop
		defer close(stopped)
		f.reportStart(s, done)
	}()
	return func() {
		close(done)
		<-stopped
	}
}

func (f *Function) reportStart(s *slot, done <-chan struct{}) {
	began, before := time.Now(), s.server.Stats()
	for since := time.Second; ; since *= 2 {
		select {
		case <-done:
			return
		case <-time.After(time.Until(began.Add(since))):
		}
		now := s.server.Stats()
		if now.Deliveries > before.Deliveries {
			return
		}
		call := "GET " + f.platform.Next
		if f.platform.Ready != "" && now.Readies == before.Readies {
			call = "POST " + f.platform.Ready
		}
		f.cloud.options.Slow(f, since, call)
	}
}
