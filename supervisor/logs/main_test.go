package logs

import "bootstrap/internal/leaktest"

const bound = leaktest.Bound

var within = leaktest.Within
