export const keys = () => ({ element: document.createElement('div') });
