package rescue

import "github.com/seed-77750964/regain/offline/sshd"

func causeOf(id string) sshd.Cause { return sshd.Cause{ID: id, Title: id} }

func byHand(string) string { return "" }
