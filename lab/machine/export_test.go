package machine

// InterfaceOf is the interface that an instance has on this host when no other
// has its first choice.
func InterfaceOf(instance string) string { return interfaceOf(candidate(instance, 0)) }
