export const alerts = () => ({ element: document.createElement('div') });
