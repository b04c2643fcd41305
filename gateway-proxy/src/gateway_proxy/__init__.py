"""Renders the platform's nginx configuration, the same one for Docker and for one machine."""

from gateway_proxy.documentation import DocumentationError, add_programs
from gateway_proxy.rendering import ProxyConfigurationError, Site, render, render_configuration

__all__ = ["DocumentationError", "ProxyConfigurationError", "Site", "add_programs", "render", "render_configuration"]
