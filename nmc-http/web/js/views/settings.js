export const business = () => ({ element: document.createElement('div') }); export const greeting = business; export const settings = business;
