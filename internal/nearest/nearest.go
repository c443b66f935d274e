// Package nearest finds the name that somebody meant.
package nearest

// Of returns the name that is nearest to a misspelt one. It reports whether that
// is near enough to be meant: at most a third of the letters differ.
func Of(misspelt string, names []string) (name string, ok bool) {
	best := len(misspelt)/3 + 1
	for _, n := range names {
		if d := Distance(misspelt, n); d <= best && (!ok || d < best) {
			name, best, ok = n, d, true
		}
	}
	return name, ok
}

// Distance is how many letters to insert, delete or replace to turn a into b.
func Distance(a, b string) int {
	row := make([]int, len(b)+1) // distances from the first letters of a to each prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
