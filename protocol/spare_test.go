package protocol

import "testing"

func TestSpare(t *testing.T) {
	const large = LargeBody + 10
	for name, row := range map[string]struct {
		kept []byte
		take int
		want int // the capacity; 0: nothing
	}{
		"as large":         {make([]byte, large), large, large},
		"smaller":          {make([]byte, large), large - 1, large},
		"too large":        {make([]byte, large), large + 1, 0},
		"not large":        {make([]byte, large), LargeBody, 0},
		"nothing kept":     {nil, large, 0},
		"a small one kept": {make([]byte, LargeBody, large), large, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var s Spare
			s.Keep(make([]byte, 2*large)) // is dropped
			s.Keep(row.kept)
			if got := s.Take(row.take); cap(got) != row.want || len(got) > 0 {
				t.Errorf("got %d bytes of %d, want 0 of %d", len(got), cap(got), row.want)
			}
			if got := s.Take(large); got != nil {
				t.Errorf("the second time: got %d bytes, want none", cap(got))
			}
		})
	}
}
