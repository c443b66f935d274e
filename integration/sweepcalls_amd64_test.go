package integration

import "golang.org/x/sys/unix"

func init() { ownCalls["arch_prctl"] = ownCall{number: unix.SYS_ARCH_PRCTL} }
