package deploy_test

// Only the parts of Kubernetes' API that the manifests use, so that a misspelled or misplaced key fails to decode.
type (
	Manifest struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   metadata
	}

	metadata struct {
		Name                string
		Labels, Annotations map[string]string
	}

	labelSelector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}

	deployment struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			Replicas int
			Selector labelSelector
			Strategy struct {
				RollingUpdate struct {
					MaxUnavailable int `yaml:"maxUnavailable"`
					MaxSurge       int `yaml:"maxSurge"`
				} `yaml:"rollingUpdate"`
			}
			Template podTemplate
		}
	}

	job struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			BackoffLimit          int `yaml:"backoffLimit"`
			ActiveDeadlineSeconds int `yaml:"activeDeadlineSeconds"`
			Template              podTemplate
		}
	}

	podTemplate struct {
		Metadata metadata
		Spec     struct {
			ServiceAccountName            string `yaml:"serviceAccountName"`
			AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
			EnableServiceLinks            *bool  `yaml:"enableServiceLinks"`
			RestartPolicy                 string `yaml:"restartPolicy"`
			TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
			SecurityContext               struct {
				RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
				RunAsUser      int                   `yaml:"runAsUser"`
				RunAsGroup     int                   `yaml:"runAsGroup"`
				FSGroup        int                   `yaml:"fsGroup"`
				SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
			} `yaml:"securityContext"`
			TopologySpreadConstraints []struct {
				MaxSkew           int           `yaml:"maxSkew"`
				TopologyKey       string        `yaml:"topologyKey"`
				WhenUnsatisfiable string        `yaml:"whenUnsatisfiable"`
				LabelSelector     labelSelector `yaml:"labelSelector"`
			} `yaml:"topologySpreadConstraints"`
			Containers []container
			Volumes    []struct {
				Name      string
				ConfigMap struct{ Name string } `yaml:"configMap"`
				Secret    struct {
					SecretName  string `yaml:"secretName"`
					DefaultMode int    `yaml:"defaultMode"`
					Items       []struct{ Key, Path string }
				}
			}
		}
	}

	container struct {
		Name, Image string
		Args        []string
		Env         []struct{ Name, Value string }
		EnvFrom     []struct {
			ConfigMapRef struct{ Name string } `yaml:"configMapRef"`
		} `yaml:"envFrom"`
		Ports []struct {
			Name          string
			ContainerPort int `yaml:"containerPort"`
		}
		StartupProbe   probe `yaml:"startupProbe"`
		LivenessProbe  probe `yaml:"livenessProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		Lifecycle      struct {
			PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
		}
		SecurityContext struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Drop []string }
		} `yaml:"securityContext"`
		Resources    struct{ Requests, Limits map[string]string }
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}

	probe struct {
		HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
		PeriodSeconds    int                         `yaml:"periodSeconds"`
		TimeoutSeconds   int                         `yaml:"timeoutSeconds"`
		FailureThreshold int                         `yaml:"failureThreshold"`
	}

	service struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			Selector map[string]string
			Ports    []struct {
				Name       string
				Port       int
				TargetPort string `yaml:"targetPort"`
			}
		}
	}

	disruptionBudget struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			MinAvailable int `yaml:"minAvailable"`
			Selector     labelSelector
		}
	}

	autoscaler struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			ScaleTargetRef struct {
				APIVersion string `yaml:"apiVersion"`
				Kind, Name string
			} `yaml:"scaleTargetRef"`
			MinReplicas int `yaml:"minReplicas"`
			MaxReplicas int `yaml:"maxReplicas"`
			Metrics     []struct {
				Type     string
				External struct {
					Metric struct {
						Name     string
						Selector labelSelector
					}
					Target struct{ Type, Value string }
				}
			}
			Behavior struct {
				ScaleUp   scaling `yaml:"scaleUp"`
				ScaleDown scaling `yaml:"scaleDown"`
			}
		}
	}

	scaling struct {
		StabilizationWindowSeconds int `yaml:"stabilizationWindowSeconds"`
		Policies                   []struct {
			Type          string
			Value         int
			PeriodSeconds int `yaml:"periodSeconds"`
		}
	}

	networkPolicy struct {
		Manifest `yaml:",inline"`
		Spec     struct {
			PodSelector labelSelector `yaml:"podSelector"`
			PolicyTypes []string      `yaml:"policyTypes"`
			Ingress     []struct {
				From  []peer
				Ports []policyPort
			}
			Egress []struct {
				To    []peer
				Ports []policyPort
			}
		}
	}

	peer struct {
		NamespaceSelector labelSelector `yaml:"namespaceSelector"`
	}

	policyPort struct {
		Protocol string
		Port     int
	}

	serviceAccount struct {
		Manifest                     `yaml:",inline"`
		AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
	}

	secret struct {
		Manifest   `yaml:",inline"`
		StringData map[string]string `yaml:"stringData"`
	}

	kustomization struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Namespace  string
		Resources  []string
		Labels     []struct{ Pairs map[string]string }
	}
)

// kinds lists the permitted kinds of manifests, each with its API version.
var kinds = map[string]struct {
	version string
	empty   func() any
}{
	"Namespace":               {"v1", func() any { return new(Manifest) }},
	"ServiceAccount":          {"v1", func() any { return new(serviceAccount) }},
	"Secret":                  {"v1", func() any { return new(secret) }},
	"Service":                 {"v1", func() any { return new(service) }},
	"Deployment":              {"apps/v1", func() any { return new(deployment) }},
	"Job":                     {"batch/v1", func() any { return new(job) }},
	"PodDisruptionBudget":     {"policy/v1", func() any { return new(disruptionBudget) }},
	"HorizontalPodAutoscaler": {"autoscaling/v2", func() any { return new(autoscaler) }},
	"NetworkPolicy":           {"networking.k8s.io/v1", func() any { return new(networkPolicy) }},
	"Kustomization":           {"kustomize.config.k8s.io/v1beta1", func() any { return new(kustomization) }},
}
