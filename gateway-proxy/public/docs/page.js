"use strict";

window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
  displayRequestDuration: true,
  // The credentials that somebody types in belong to the page that is open, not to the browser's storage.
  persistAuthorization: false,
  // Would send the document to another host.
  validatorUrl: null,
});
