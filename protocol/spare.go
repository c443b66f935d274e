package protocol

// LargeBody is the size in bytes above which the memory of an event or a result is
// reused. Such bodies are rare.
const LargeBody = 1 << 20

// A Spare keeps the memory of the last large body for the next one.
type Spare struct{ memory []byte }

// Keep keeps the memory of a large body for Take. The caller must not use the
// body after Take. Keep drops a body that is not large, and one that was kept
// before.
func (s *Spare) Keep(body []byte) {
	s.memory = nil
	if len(body) > LargeBody {
		s.memory = body
	}
}

// Take returns the memory for a body of that size, and keeps nothing. It returns nil
// if the size is not large, or what was kept is too small.
func (s *Spare) Take(size int) []byte {
	memory := s.memory
	s.memory = nil
	if size <= LargeBody || size > cap(memory) {
		return nil
	}
	return memory[:0]
}
