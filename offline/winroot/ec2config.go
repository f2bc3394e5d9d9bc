package winroot

import "github.com/seed-77750964/regain/offline/winroot/agentconf"

// armEC2Config needs the service, and its password plugin enabled. The plugin is
// what other start-ups leave alone: nothing else runs again.
func armEC2Config(m *arming) {
	m.started("Ec2Config")
	m.settings(agentconf.EC2Config, dir(m.program, "Settings/Config.xml"), agentconf.EditEC2Config)
}
