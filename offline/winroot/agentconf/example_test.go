package agentconf_test

import (
	"fmt"

	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// A machine that a migration tool left with doNothing: AWS's own procedure would
// run all tasks again and change no password.
func ExampleEditAgentConfig() {
	file := []byte(`version: 1.0
config:
  - stage: preReady
    tasks:
      - task: setAdminAccount
        inputs:
          password:
            type: static
            data: hunter2
  - stage: postReady
    tasks:
      - task: executeScript
        inputs:
          - frequency: once
            type: powershell
            content: Install-Everything
`)
	edit, err := agentconf.EditAgentConfig(file, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(agentconf.Mask(agentconf.EC2LaunchV2, edit.After))
	fmt.Println("note:", edit.Notes[0])
	tasks, err := agentconf.AgentTasks(edit.After)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, task := range tasks {
		if task.Frequency == agentconf.Once {
			fmt.Println("runs again:", task.Stage, task.Name)
		}
	}
	// Output:
	// version: 1.0
	// config:
	//   - stage: preReady
	//     tasks:
	//       - task: setAdminAccount
	//         inputs:
	//           password:
	//             type: random
	//             data: [masked]
	//   - stage: postReady
	//     tasks:
	//       - task: executeScript
	//         inputs:
	//           - frequency: once
	//             type: powershell
	//             content: [masked]
	// note: the fixed password in password.data stays in the file; AWS documents it for type static only
	// runs again: preReady setAdminAccount
	// runs again: postReady executeScript
}

// The file as EC2Config's installer leaves it after the first launch.
func ExampleEditEC2Config() {
	edit, err := agentconf.EditEC2Config([]byte(`<Ec2ConfigurationSettings><Plugins>
  <Plugin><Name>Ec2SetPassword</Name><State>Disabled</State></Plugin>
</Plugins></Ec2ConfigurationSettings>`))
	fmt.Println(string(edit.After), err)
	// Output:
	// <Ec2ConfigurationSettings><Plugins>
	//   <Plugin><Name>Ec2SetPassword</Name><State>Enabled</State></Plugin>
	// </Plugins></Ec2ConfigurationSettings> <nil>
}

// The error names the reason, and carries a code to decide on.
func ExampleRefusal() {
	_, err := agentconf.EditLaunchConfig([]byte("{\n  \"adminPasswordType\": \"DoNothing\",\n  \"AdminPasswordType\": \"Random\"\n}"))
	fmt.Println(err)
	// Output:
	// cannot use LaunchConfig.json: line 3: the key AdminPasswordType stands twice, if only in another case
}
