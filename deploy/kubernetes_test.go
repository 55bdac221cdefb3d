package deploy_test

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestManifests(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	if all["Deployment"] == nil {
		t.Fatal("no deployments found")
	}
	workloads := map[string]map[string]string{} // name -> labels of its pods
	for _, o := range all["Deployment"] {
		d := o.(*deployment)
		workloads[d.Metadata.Name] = d.Spec.Template.Metadata.Labels
		if !maps.Equal(d.Spec.Selector.MatchLabels, d.Spec.Template.Metadata.Labels) {
			t.Errorf("%s does not select its pods", d.Metadata.Name)
		}
		checkPod(t, d.Metadata.Name, d.Spec.Template, all)
		checkService(t, d)
	}
	for _, o := range all["Job"] {
		j := o.(*job)
		checkPod(t, j.Metadata.Name, j.Spec.Template, all)
	}
	for _, o := range all["PodDisruptionBudget"] {
		b := o.(*disruptionBudget)
		if !maps.Equal(b.Spec.Selector.MatchLabels, workloads[b.Metadata.Name]) {
			t.Errorf("the disruption budget %s selects no pods", b.Metadata.Name)
		}
	}
	for _, o := range all["Service"] {
		s := o.(*service)
		if !maps.Equal(s.Spec.Selector, workloads[s.Metadata.Name]) {
			t.Errorf("the service %s selects no pods", s.Metadata.Name)
		}
	}
	for _, o := range all["HorizontalPodAutoscaler"] {
		h := o.(*autoscaler)
		if target := h.Spec.ScaleTargetRef; target.Kind != "Deployment" || workloads[target.Name] == nil {
			t.Errorf("%s scales nothing", h.Metadata.Name)
		}
		if h.Spec.MinReplicas < 2 {
			t.Errorf("%s may scale to one worker, which its disruption budget would never evict", h.Metadata.Name)
		}
	}
	listed := all["Kustomization"][0].(*kustomization).Resources
	for _, path := range files(t, "kubernetes/*.yaml") {
		name := filepath.Base(path)
		if want := name != "kustomization.yaml" && name != "secret.example.yaml"; slices.Contains(listed, name) != want {
			t.Errorf("kustomization.yaml lists %s: %v, want %v", name, !want, want)
		}
	}
}

// checkPod checks that a pod has no unnecessary rights, keeps its settings, and reads existing secrets.
func checkPod(t *testing.T, name string, pod podTemplate, all map[string][]any) {
	t.Helper()
	keys := all["Secret"][0].(*secret).StringData
	context := pod.Spec.SecurityContext
	if !context.RunAsNonRoot || context.RunAsUser == 0 || context.SeccompProfile.Type != "RuntimeDefault" ||
		pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("the pod of %s has rights that it does not need", name)
	}
	mounted := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		for _, item := range volume.Secret.Items {
			mounted["/run/secrets/crmsync/"+item.Path] = true
			if keys[item.Key] == "" {
				t.Errorf("%s mounts %s, which secret.example.yaml does not have", name, item.Key)
			}
		}
	}
	for _, c := range pod.Spec.Containers {
		if own := c.SecurityContext; own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation || !own.ReadOnlyRootFilesystem || !slices.Equal(own.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("the container %s of %s has rights that it does not need", c.Name, name)
		}
		if c.Image != "crmsync" || c.Resources.Requests["memory"] == "" || c.Resources.Limits["memory"] == "" {
			t.Errorf("the container %s of %s lacks its image or its resources", c.Name, name)
		}
		for _, variable := range c.Env {
			if strings.HasSuffix(variable.Name, "_FILE") != mounted[variable.Value] {
				t.Errorf("%s of %s is %s, which is not mounted", variable.Name, name, variable.Value)
			}
		}
	}
}

// checkService checks that the probes of a process use the internal port, and that it does not migrate the schema.
func checkService(t *testing.T, d *deployment) {
	t.Helper()
	for _, c := range d.Spec.Template.Spec.Containers {
		env := map[string]string{}
		for _, variable := range c.Env {
			env[variable.Name] = variable.Value
		}
		if env["SCHEMA_UP"] != "off" || env["ADMIN_ADDR"] != ":9090" {
			t.Errorf("%s migrates, or its probes do not reach it", d.Metadata.Name)
		}
		for path, probes := range map[string][]probe{"/healthz": {c.StartupProbe, c.LivenessProbe}, "/readyz": {c.ReadinessProbe}} {
			for _, p := range probes {
				if p.HTTPGet.Path != path || p.HTTPGet.Port != "admin" {
					t.Errorf("%s: a probe asks %s of port %s, want %s of admin", d.Metadata.Name, p.HTTPGet.Path, p.HTTPGet.Port, path)
				}
			}
		}
		if grace := d.Spec.Template.Spec.TerminationGracePeriodSeconds - c.Lifecycle.PreStop.Sleep.Seconds; grace < 40 {
			t.Errorf("%s has %d s to stop; SHUTDOWN_GRACE is 20 s, and returning its jobs may take 10", d.Metadata.Name, grace)
		}
	}
}

// manifests decodes every document of every file strictly, and returns them by kind.
func manifests(t *testing.T) map[string][]any {
	t.Helper()
	all := map[string][]any{}
	for _, path := range files(t, "kubernetes/*.yaml") {
		for document := range strings.SplitSeq(text(t, path), "\n---\n") {
			var m Manifest
			if err := yaml.Unmarshal([]byte(document), &m); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			kind, known := kinds[m.Kind]
			if !known || kind.version != m.APIVersion {
				t.Errorf("%s: %s %s is not in the list of kinds", path, m.APIVersion, m.Kind)
				continue
			}
			object := kind.empty()
			if err := yaml.NewDecoder(bytes.NewReader([]byte(document)), yaml.Strict()).Decode(object); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			all[m.Kind] = append(all[m.Kind], object)
		}
	}
	return all
}
