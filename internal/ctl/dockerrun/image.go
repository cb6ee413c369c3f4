// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"
)

// Image is what an image says of the containers that are made of it.
type Image struct {
	ID     string `json:"Id"`
	Config struct {
		User       string
		Env        []string
		Entrypoint []string
		Cmd        []string
		WorkingDir string
		Volumes    map[string]struct{}
		Labels     map[string]string
	}
}

// Local asks the Docker that runs here for an image, through its CLI, which knows
// the operator's context.
func Local(name string) (*Image, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "image", "inspect", "--format", "{{json .}}", "--", name).Output()
	if err != nil {
		return nil, fmt.Errorf("docker image inspect %s: %w", name, err)
	}
	var i Image
	if err := json.Unmarshal(out, &i); err != nil {
		return nil, fmt.Errorf("docker image inspect %s: %w", name, err)
	}
	return &i, nil
}
